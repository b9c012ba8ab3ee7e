@_exported import BenchEngine
@_exported import Checkers
@_exported import ExploreEngine
@_exported import RaceModel
@_exported import Reports
@_exported import ScenarioFiles
@_exported import StressEngine
