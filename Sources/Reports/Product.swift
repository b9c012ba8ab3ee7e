/// What reports say of the tool that made them.
public enum Product {
  public static let name = "AddonRace"
  public static let version = "0.2.0"
}
