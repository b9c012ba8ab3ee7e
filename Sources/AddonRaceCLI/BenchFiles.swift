import AddonRace
import ArgumentParser
import Foundation

/// A page of tables and plots.
struct PageFile {
  private let sink: ReportSink

  /// Finds out, before anything is measured, that gnuplot is there, and that the file can be written.
  init(_ path: String) throws {
    _ = try Gnuplot.run("")
    sink = try ReportSink(path)
  }

  func write(_ parts: [ReportPart]) throws {
    try sink.print(BenchPage(title: "What it costs", parts).html { try Gnuplot.run($0.script) })
    try sink.close()
  }

  /// Nothing was measured.
  func discard() { sink.discard() }
}

/// A report of a bench, in the format that its name ends in.
struct BenchReportFile {
  private enum Format: String, CaseIterable { case md, json, csv, txt, html }
  static let endings = Format.allCases.map(\.rawValue)

  private let format: Format
  private let sink: ReportSink?
  private let page: PageFile?

  static func check(_ path: String) throws {
    let ending = path.split(separator: ".").last.map(String.init) ?? ""
    guard Format(rawValue: ending.lowercased()) == nil else { return }
    throw ValidationError(
      "No format of a bench is known for '\(path)' by what its name ends in: \(Suggestion.remedy(for: ending, among: endings))."
    )
  }

  init(_ path: String) throws {
    format = Format(rawValue: path.split(separator: ".").last.map { $0.lowercased() } ?? "") ?? .txt
    page = format == .html ? try PageFile(path) : nil
    sink = format == .html ? nil : try ReportSink(path)
  }

  func write(_ document: BenchDocument, _ parts: [ReportPart]) throws {
    switch format {
    case .json: try sink?.print(document.json)
    case .csv: try sink?.print(document.csv)
    case .txt: try sink?.print(parts.text)
    case .md: try sink?.print(parts.markdown)
    case .html: if parts.isEmpty { page?.discard() } else { try page?.write(parts) }
    }
    try sink?.close()
  }
}

/// Plots are gnuplot's: it reads a script, and answers with SVG.
private enum Gnuplot {
  static func run(_ script: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gnuplot", "-"]
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    // Scripts are smaller than a pipe holds, or gnuplot reads as we write: it answers only at the end.
    try? input.fileHandleForWriting.write(contentsOf: Data(script.utf8))
    try? input.fileHandleForWriting.close()
    let svg = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationStatus != 0 {
      throw ValidationError(
        "gnuplot does not draw (status \(process.terminationStatus)); install it (Debian: gnuplot-nox), or leave --html out."
      )
    }
    return String(decoding: svg, as: UTF8.self)
  }
}

/// Baselines by name, a file each.
struct BaselineStore {
  let folder: String

  /// A name is one of a file, without its folder.
  static func check(_ name: String) throws {
    if name.isEmpty || name.contains("/") {
      throw ValidationError(
        "A baseline cannot be named '\(name)': use a name without /, and --baselines for its folder.")
    }
  }

  private func path(_ name: String) -> String { "\(folder)/\(name).json" }

  /// To be called before anything is measured.
  func prepare() throws {
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    guard access(folder, W_OK) == 0 else {
      throw Self.unwritable(folder, "\(String(cString: strerror(errno)))\n    name another folder with --baselines")
    }
  }

  private static func unwritable(_ path: String, _ why: String) -> ExitCode {
    StandardError.print("error: cannot write \(path): \(why)")
    return .unwritable
  }

  func write(_ document: BenchDocument, as name: String) throws {
    do {
      try document.json.write(toFile: path(name), atomically: true, encoding: .utf8)
    } catch {
      throw Self.unwritable(path(name), error.localizedDescription)
    }
  }

  func read(_ name: String, machine: BenchMachine) throws -> BenchDocument {
    guard let data = FileManager.default.contents(atPath: path(name)) else {
      let known = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
      throw ValidationError(
        "There is no baseline '\(name)' in \(folder); "
          + (known.isEmpty ? "make one with --save \(name)." : "there are: \(known.joined(separator: ", "))."))
    }
    struct Head: Decodable { let format: String, version: Int }
    let decoder = JSONDecoder()
    guard let head = try? decoder.decode(Head.self, from: data), head.format == BenchDocument.format else {
      throw ValidationError("\(path(name)) is no baseline of addonrace; make it anew with --save \(name).")
    }
    guard head.version == BenchDocument.version, let document = try? decoder.decode(BenchDocument.self, from: data)
    else {
      throw ValidationError(
        "\(path(name)) is of another version of addonrace (\(head.version), not \(BenchDocument.version)); make it anew with "
          + "--save \(name).")
    }
    guard document.machine == machine else {
      let then = document.machine
      throw ValidationError(
        "\(path(name)) was measured elsewhere: \(then.processor), \(then.processors) processors, \(then.build) build; here: "
          + "\(machine.processor), \(machine.processors) processors, \(machine.build) build. Figures of two machines compare with "
          + "nothing; make it anew with --save \(name).")
    }
    return document
  }
}
