/// Two neighbouring cache lines: what the processor fetches together. Words that different racers write lie on pairs of
/// their own.
public enum LinePair {
  @inlinable public static var bytes: Int { 128 }
  @inlinable public static var words: Int { 16 }
}
