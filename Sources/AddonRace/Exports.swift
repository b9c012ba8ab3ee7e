@_exported import Checkers
@_exported import RaceModel
@_exported import Reports
@_exported import ScenarioFiles
@_exported import StressEngine
