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
}
