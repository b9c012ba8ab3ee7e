import AddonRace
import Testing

extension CandidateTests {
  private func refusal(_ text: String, name: String = "candidate.c", _ racers: [RacerGroup] = []) throws -> String {
    let candidate = try Candidate(text, name: name)
    do throws(EngineError) {
      let verdict = Harness().explore(try Harness().built(candidate.scenario(racers)), .sc)
      return "\(verdict.outcome): \(verdict.notes.joined(separator: "; "))"
    } catch {
      return error.description
    }
  }

  @Test func whatCannotBeExplored() throws {
    #expect(try refusal("int main() { return undeclared; }").contains("use of undeclared identifier 'undeclared'"))
    #expect(try refusal("int f() { return 0; }").contains("neither main nor a function racer_NAME"))
    #expect(try refusal("int main() {} void racer_a(void) {}").contains("has main and racers"))
    #expect(try refusal("void racer_a(int x) {}").contains("it may take a pointer to the object"))
    #expect(
      try refusal("struct a; struct b; void racer_a(struct a *x) {} void racer_b(struct b *x) {}")
        .contains("all of them share one object"))
    #expect(try refusal("struct a; void racer_a(struct a *x) {}").contains("never completed"))
    #expect(
      try refusal("void racer_a(void) {}", [RacerGroup(role: "b", count: 1)]).contains(
        "no function racer_b; it has: racer_a"))
    #expect(try refusal("int main() {}", [RacerGroup(role: "b", count: 1)]).contains("leave the racers out"))
    #expect(try refusal("", name: "candidate.java").contains("the language is not known"))
    #expect(try refusal("#include <unistd.h>\nint main() { fork(); }").contains("fork()"))
  }

  /// One that goes by the time of the machine is no program that can be explored.
  @Test func programsThatAreNotTheSameTwice() throws {
    #if arch(x86_64)
      let refusal = try refusal(
        """
        #include <pthread.h>
        #include <stdatomic.h>
        #include <x86intrin.h>
        atomic_int a, b;
        void *f(void *u) { for (int i = 0; i < 3; i++) if (__rdtsc() >> 6 & 1) a++; else b++; return u; }
        int main() {
          pthread_t x, y;
          pthread_create(&x, 0, f, 0); pthread_create(&y, 0, f, 0);
          pthread_join(x, 0); pthread_join(y, 0);
        }
        """)
      #expect(refusal.contains("the program is not the same twice: event"), "\(refusal)")
    #endif
  }

  @Test func whatIsNotLookedInto() throws {
    let text = #"int main() { __asm__ volatile("nop"); __asm__ volatile("" ::: "memory"); }"#
    let verdict = try Candidate(text).explore(.sc)
    #expect(verdict.outcome == .pass && verdict.notes.contains { $0.contains("inline-assembly") }, "\(verdict.notes)")
    #expect(try Candidate(#"int main() { __asm__ volatile("" ::: "memory"); }"#).explore(.sc).notes.isEmpty)
  }

  /// The hooks get it as they get a strong one.
  @Test func aWeakCompareExchangeIsNamed() throws {
    let text = """
      #include <stdatomic.h>
      atomic_int a;
      int main() { int old = 0; return !atomic_compare_exchange_weak(&a, &old, 1); }
      """
    let notes = try Candidate(text).explore(.sc).notes
    #expect(notes.contains { $0.contains("weak compare-exchange") && $0.contains(".c:3 ") }, "\(notes)")
    let accepting = try Candidate(text).explore(.sc) { $0.code?.accepted = ["weak-compare-exchange"] }
    #expect(accepting.notes.isEmpty, "\(accepting.notes)")
  }

  /// It may do so in a hook, whose own frames are then left in the middle: a sanitizer would complain of those.
  @Test(.enabled(if: BuildKind.current == .plain)) func aStackThatOverflows() throws {
    let verdict = try Candidate(
      """
      #include <pthread.h>
      static int deep(int n) { volatile char room[2000]; room[0] = n; return deep(n + 1) + room[0]; }
      static void *f(void *u) { return (void *)(long)deep(0); }
      int main() { pthread_t x; pthread_create(&x, 0, f, 0); pthread_join(x, 0); }
      """
    ).explore(.sc)
    #expect(
      verdict.findings.first?.message.contains("overflows its stack") == true, "\(verdict.findings) \(verdict.notes)")
  }

  @Test func compilersThatAreMissing() throws {
    var code = try Candidate("int main() {}").code
    code.compiler = "no-such-compiler"
    var scenario = try Candidate("int main() {}").scenario()
    scenario.code = code
    #expect(throws: EngineError.self) { _ = try Harness().built(scenario) }
  }

  /// The token of a program survives a build of the same source, and is refused for another.
  @Test func tokens() throws {
    let text = "#include <stdlib.h>\nint main() { malloc(SIZE); }"
    let verdict = try Candidate(text, flags: ["-DSIZE=8"]).explore(.c11)
    let token = try #require(verdict.counterexample?.token)
    let harness = Harness()
    let same = try harness.built(try Candidate(text, flags: ["-DSIZE=8"]).scenario())
    let counterexample = try harness.replay(try ReplayToken(token, of: same), of: same)
    #expect(counterexample?.findings.first?.checker == "no-leak")
    let other = try harness.built(try Candidate(text, flags: ["-DSIZE=16"]).scenario())
    #expect(throws: ReplayToken.Invalid.self) { _ = try ReplayToken(token, of: other) }
  }

  /// A word that only a later execution accesses atomically: its plain accesses are on the graph from then on, so that a
  /// token has to say which words those are.
  @Test func tokensOfMixedWords() throws {
    let candidate = try Candidate(
      """
      #include <stdatomic.h>
      static long data;
      static _Atomic long flag;
      void racer_read(void) {
        if (atomic_load_explicit(&flag, memory_order_relaxed))
          atomic_load_explicit((_Atomic long *)&data, memory_order_relaxed);
      }
      void racer_write(void) { data = 1; atomic_store_explicit(&flag, 1, memory_order_relaxed); }
      """)
    let verdict = try candidate.explore(.c11)
    #expect(verdict.record.exploration?.firstFinding == 2)
    let counterexample = try #require(verdict.counterexample)
    let scenario = try Harness().built(candidate.scenario())
    let again = try Harness().replay(try ReplayToken(counterexample.token, of: scenario), of: scenario)
    #expect(again?.steps == counterexample.steps && again?.findings.map(\.checker) == ["data-race"])
    let cut = try #require(counterexample.token.lastIndex(of: ":"))
    let without = try ReplayToken(String(counterexample.token[..<cut]), of: scenario)
    let replayed = try Harness().replay(without, of: scenario)
    #expect(replayed == nil)
    #expect(throws: ReplayToken.Invalid.self) { _ = try ReplayToken(counterexample.token + "_", of: scenario) }
  }
}
