/// A picture, as data; gnuplot draws it.
public struct Plot: Sendable {
  public struct Point: Sendable {
    public var x: Double
    public var y: Double
    /// The interval that y is in.
    public var low: Double
    public var high: Double
    public init(x: Double, y: Double, low: Double, high: Double) {
      self.x = x
      self.y = y
      self.low = low
      self.high = high
    }
  }
  public struct Series: Sendable {
    public var name: String
    public var points: [Point]
    public init(_ name: String, _ points: [Point]) {
      self.name = name
      self.points = points
    }
  }
  public enum Kind: Sendable {
    /// A curve for each series.
    case curves(logarithmicX: Bool)
    /// A dot with its interval for each series, one below the other. y is what is shown, along the horizontal axis.
    case dots
  }

  public var title: String
  /// With the unit.
  public var x: String
  public var y: String
  public var kind: Kind
  public var logarithmicY: Bool
  /// The subheading under which a reader learns what the series are.
  public var legend: String?
  public var series: [Series]

  public init(
    _ title: String, x: String = "", y: String, kind: Kind, logarithmicY: Bool = false, legend: String? = nil,
    _ series: [Series]
  ) {
    self.title = title
    self.x = x
    self.y = y
    self.kind = kind
    self.logarithmicY = logarithmicY
    self.legend = legend
    self.series = series.filter { !$0.points.isEmpty }
  }

  /// Told apart by those who see few colours, and against light and dark alike.
  private static let colours = ["#0080c8", "#d55e00", "#009e73", "#b06090", "#a08000", "#6a6ad0", "#808080", "#c04040"]
  private static let grey = "#808080"

  /// What gnuplot reads; it answers with SVG.
  public var script: String {
    var lines: [String] = []
    let height =
      switch kind {
      case .curves: 420
      case .dots: 110 + 26 * series.count
      }
    lines += [
      "set terminal svg size 820,\(height) dynamic noenhanced font 'sans-serif,13'", "set encoding utf8",
      "set autoscale fix",
      "set border 3 linecolor rgb '\(Self.grey)'", "set tics nomirror textcolor rgb 'black'",
      "set grid linecolor rgb '\(Self.grey)' linewidth 0.4", "set title \(quoted(title))",
    ]
    for (number, series) in series.enumerated() {
      lines.append("$series\(number) << END")
      for (row, point) in series.points.enumerated() {
        switch kind {
        case .curves: lines.append("\(point.x) \(point.y) \(point.low) \(point.high)")
        case .dots: lines.append("\(point.y) \(number + row) \(point.low) \(point.high)")
        }
      }
      lines.append("END")
    }
    switch kind {
    case .curves(let logarithmicX):
      lines += ["set xlabel \(quoted(x))", "set ylabel \(quoted(y))", "set key outside right top Left reverse"]
      if logarithmicX { lines.append("set logscale x") }
      lines.append("set xtics (\(tics.map(Self.number).joined(separator: ", ")))")
      if logarithmicY { lines.append("set logscale y") }
      lines.append("set offsets graph 0.02, graph 0.02, graph 0.05, graph 0.05")
      lines.append("plot " + series.indices.flatMap { [bars($0), curve($0)] }.joined(separator: ", "))
    case .dots:
      let names = series.enumerated().map { "\(quoted($1.name)) \($0)" }.joined(separator: ", ")
      lines += [
        "set xlabel \(quoted(y))", "set ytics (\(names))", "set yrange [\(series.count).5:-0.5] noextend", "unset key",
        "set offsets graph 0.05, graph 0.05, 0, 0",
      ]
      if logarithmicY { lines.append("set logscale x") }
      lines.append(
        "plot "
          + series.indices.map { "$series\($0) using 1:2:3:4 with xerrorbars \(style($0)) pointsize 0.7" }
          .joined(separator: ", "))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The values of x that there are.
  private var tics: [Double] { Set(series.flatMap { $0.points.map(\.x) }).sorted() }
  private static func number(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
  }

  private func curve(_ number: Int) -> String {
    "$series\(number) using 1:2 with linespoints \(style(number)) pointsize 0.6 title \(quoted(series[number].name))"
  }
  private func bars(_ number: Int) -> String {
    "$series\(number) using 1:2:3:4 with yerrorbars \(style(number)) pointsize 0 notitle"
  }
  private func style(_ number: Int) -> String {
    let colour = Self.colours[number % Self.colours.count]
    return "linecolor rgb '\(colour)' linewidth 1.8 pointtype \(Self.shapes[number % Self.shapes.count])"
  }
  /// Filled ones first.
  private static let shapes = [7, 5, 9, 11, 13, 6, 4, 8]

  private func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
