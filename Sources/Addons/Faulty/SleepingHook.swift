/// Faulty: the hook allocates inside its section as if it might sleep there.
public enum SleepingHook: HookVariant {
  @inlinable public static var allocatesInSection: Bool { true }
  @inlinable public static var maySleep: Bool { true }  // the fault
  public static var how: String { "inside its read section, as if it might sleep there" }
  public static var suffix: String { "-sleeping" }
  public static var fault: Fault? {
    Fault(
      "sleeping allocation in atomic context", happenedAs: "kernel a96a44aba556 (bpf, on PREEMPT_RT)",
      caught: .by(["atomic-context"]),
      racers: [("event", 2)])
  }
}
