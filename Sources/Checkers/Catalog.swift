import RaceModel

/// All checkers, in the order in which their findings are shown.
public enum CheckerCatalog {
  public static let all: [any Checker] = [
    SingleWinner(), Agreement(), LosersFreed(), NoLeak(), VisibleOnce(), Initialised(), NoUseAfterFree(),
    AllocationFailureChecker(), WinnerEffects(), Accounting(), AtomicContext(),
  ]

  /// Names that findings can carry: the checkers', and what the sanitizers' reports become.
  public static let names: [String] = all.map(\.name) + [DataRace.name]
}

/// What ThreadSanitizer reports of a child, as a finding. Evidence cannot show it, so there is nothing to check.
public enum DataRace {
  public static let name = "data-race"
  public static let summary = "Two accesses, one a write and one plain, that nothing orders (from ThreadSanitizer)."
}
