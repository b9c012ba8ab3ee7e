import RaceModel

/// A checker that comes along: engines know what it would not report of.
public protocol CatalogChecker: Checker {}

extension CatalogChecker {
  public var isSilentOnOrdinaryRounds: Bool { true }
  public var mayAccompanyOthers: Bool { false }
}

/// All checkers that come along, in the order in which their findings are shown.
public enum CheckerCatalog {
  public static let all: [any Checker] = [
    SingleWinner(), Agreement(), LosersFreed(), NoLeak(), VisibleOnce(), Initialised(), NoUseAfterFree(),
    AllocationFailureChecker(), WinnerEffects(), Accounting(), Aggregate(), AtomicContext(), Assertion(),
    Uninitialised(),
    DataRace(), Crash(), ProgressChecker(), Linearizability(),
  ]

  public static let names: [String] = all.map(\.name)
}
