import CProduct

/// What reports say of the tool that made them.
public enum Product {
  public static let name = "AddonRace"
  public static let version = "0.2.0"

  /// The version, and the commit that it was built from where that is known: "0.2.0 (909c445a)".
  public static let build = version + (cproduct_commit().map { " (\(String(cString: $0)))" } ?? "")
}
