import RaceModel

/// All checkers, in the order in which their findings are shown.
public enum CheckerCatalog {
  public static let all: [any Checker] = [
    SingleWinner(), Agreement(), LosersFreed(), NoLeak(), VisibleOnce(), Initialised(), NoUseAfterFree(),
    AllocationFailureChecker(), WinnerEffects(), Accounting(), Aggregate(), AtomicContext(), DataRace(), Crash(),
    Progress(), Linearizability(),
  ]

  public static let names: [String] = all.map(\.name)
}
