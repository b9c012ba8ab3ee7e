import AddonRace
import Testing

extension CandidateTests {
  /// Compilers take most of the time.
  static let exploresRust = hasRust && BuildKind.current == .plain

  private func rust(_ text: String) throws -> Candidate {
    try Candidate("use std::sync::*;\nuse std::thread;\n" + text, name: "candidate.rs")
  }

  /// Each execution is an order of three lockings, and one of the changes of a count: three clones, one after the other, and
  /// three drops, each after its clone. A drop before a clone means that its thread was done before the clone's thread began,
  /// which leaves fewer orders of the lockings. 36 have all drops after the last clone, and 21 have not.
  @Test(.enabled(if: exploresRust), arguments: [MemoryModel.sc, .c11])
  func eachOrderOfLockingsOnce(_ model: MemoryModel) throws {
    let verdict = try rust(
      """
      fn main() {
        let m = Arc::new(Mutex::new(0));
        let threads: Vec<_> = (0..3).map(|_| { let m = m.clone(); thread::spawn(move || *m.lock().unwrap() += 1) }).collect();
        for t in threads { t.join().unwrap(); }
        assert!(*m.lock().unwrap() == 3);
      }
      """
    ).explore(model)
    #expect(verdict.outcome == .pass && verdict.exploration?.executions == 57, "\(verdict.notes) \(verdict.findings)")
  }

  /// In which order threads count down that their scope waits for makes no execution.
  @Test(.enabled(if: exploresRust), arguments: ["Mutex", "RwLock"])
  func scopedThreads(_ kind: String) throws {
    let lock = kind == "Mutex" ? "lock" : "write"
    let verdict = try rust(
      """
      static M: \(kind)<i32> = \(kind)::new(0);
      fn main() {
        thread::scope(|s| { for _ in 0..3 { s.spawn(|| *M.\(lock)().unwrap() += 1); } });
        assert!(*M.\(lock)().unwrap() == 3);
      }
      """
    ).explore(.c11)
    #expect(verdict.outcome == .pass, "\(verdict.notes) \(verdict.findings)")
    #expect(verdict.exploration.map { $0.isExhaustive && $0.executions < 500 } == true, "\(verdict)")
  }

  @Test(.enabled(if: exploresRust)) func aDeadlockOfTwoMutexes() throws {
    let verdict = try rust(
      """
      static A: Mutex<i32> = Mutex::new(0);
      static B: Mutex<i32> = Mutex::new(0);
      fn main() {
        thread::scope(|s| {
          s.spawn(|| { let _a = A.lock().unwrap(); let _b = B.lock().unwrap(); });
          s.spawn(|| { let _b = B.lock().unwrap(); let _a = A.lock().unwrap(); });
        });
      }
      """
    ).explore(.c11)
    #expect(verdict.record.reporters == ["progress"], "\(verdict.findings)")
  }

  /// Where the lock of one is taken for what it is, the attempt of another that does not wait still fails.
  @Test(.enabled(if: exploresRust), arguments: [("== 5 || a == 4", Outcome.pass), ("== 5", .fail), ("== 4", .fail)])
  func anAttemptDoesNotWait(_ condition: String, _ outcome: Outcome) throws {
    let verdict = try rust(
      """
      static M: Mutex<i32> = Mutex::new(0);
      fn main() {
        thread::scope(|s| {
          s.spawn(|| { if let Ok(mut a) = M.try_lock() { *a += 1; } });
          s.spawn(|| *M.lock().unwrap() += 2);
          s.spawn(|| *M.lock().unwrap() += 2);
        });
        let a = *M.lock().unwrap();
        assert!(a \(condition));
      }
      """
    ).explore(.c11)
    #expect(verdict.outcome == outcome, "\(verdict.notes) \(verdict.findings)")
  }
}
