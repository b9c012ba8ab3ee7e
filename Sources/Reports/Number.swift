/// Numbers for people.
public enum Number {
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = (value * scale).rounded()
    guard rounded.isFinite, abs(rounded) < 1e15 else { return "\(value)" }
    let whole = Int(rounded)
    let unit = Int(scale)
    guard digits > 0 else { return "\(whole)" }
    let fraction = String(abs(whole) % unit)
    return "\(whole < 0 ? "-" : "")\(abs(whole) / unit)."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  public static func percent(_ value: Double) -> String { fixed(value * 100, 1) + " %" }

  public static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// "1 racer", "2 racers".
  public static func counted(_ value: Int, _ noun: String) -> String {
    "\(grouped(value)) \(noun)\(value == 1 ? "" : "s")"
  }

  /// 1234567 as 1,234,567.
  public static func grouped(_ value: Int) -> String {
    var digits = String(abs(value))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }
}
