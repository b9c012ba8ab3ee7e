// One import brings all that a site, a strategy, a checker, or a test of them needs.
@_exported import AddonMemory
@_exported import Addons
@_exported import BenchEngine
@_exported import BenchModel
@_exported import Checkers
@_exported import ExploreCore
@_exported import ExploreEngine
@_exported import Machine
@_exported import RaceModel
@_exported import Reports
@_exported import ScenarioFiles
@_exported import StressEngine
@_exported import Subjects
