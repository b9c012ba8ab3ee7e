import AddonRaceTestSupport
import Foundation
import Testing

/// What `scripts/linux.sh` cuts out of a tree, here one of a few lines of our own.
@Suite struct LinuxScriptTests {
  private let tree: TemporaryFolder
  private let cuts: TemporaryFolder

  /// A tree that has all that is asked for, but for what `leavesOut` names, each function from line 5 of its file on.
  private init(leavesOut: Set<String>) throws {
    tree = try TemporaryFolder()
    cuts = try TemporaryFolder()
    var files = ["Makefile": "VERSION = 9\nPATCHLEVEL = 8\nSUBLEVEL = 7\n"]
    let rows = try String(contentsOf: Command.package.appendingPathComponent("linux/functions.txt"), encoding: .utf8)
    for row in rows.split(separator: "\n") where !row.hasPrefix("#") {
      let columns = row.split(separator: " ").map(String.init)
      if leavesOut.contains(columns[2]) { continue }
      let before = files[columns[1]] ?? "/* A file. */\nint declared(\n  int a);\n\n"
      let definition = "static int\n\(columns[2])(int a,\n  int b)\n{\n  if (a) {\n  }\n  return b;\n}\n"
      files[columns[1]] = before.contains("\n\(columns[2])(") ? before : before + definition
    }
    for (path, text) in files {
      let file = tree.url.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
  }

  init() throws { try self.init(leavesOut: []) }

  private func cut() throws -> Command {
    try Command(
      arguments: ["scripts/linux.sh", "--cut", tree.url.path, cuts.url.path],
      executable: URL(fileURLWithPath: "/bin/bash"))
  }

  @Test func functionsKeepTheirLines() throws {
    let command = try cut()
    #expect(command.status == 0, "\(command.errors)")
    #expect(command.output.contains("Linux 9.8.7"))
    let text = try String(contentsOf: cuts.url.appendingPathComponent("verity-info.cut.h"), encoding: .utf8)
    let function = "static int\nfsverity_set_info(int a,\n  int b)\n{\n  if (a) {\n  }\n  return b;\n}\n"
    #expect(text.hasSuffix("#line 5 \"fs/verity/open.c\"\n" + function))
    #expect(!text.contains("declared"))
  }

  @Test func whatIsNotThereIsNamed() throws {
    let command = try LinuxScriptTests(leavesOut: ["fsverity_set_info", "fsverity_get_info"]).cut()
    #expect(command.status == 65)
    #expect(command.errors.contains("fs/verity/open.c, where fsverity_set_info was looked for"))
    let other = try LinuxScriptTests(leavesOut: ["break_lease"]).cut()
    #expect(other.status == 65)
    #expect(other.errors.contains("include/linux/filelock.h of Linux 9.8.7 defines no break_lease"))
  }

  @Test func whatIsNoTree() throws {
    let bash = URL(fileURLWithPath: "/bin/bash")
    let nothing = try Command(
      arguments: ["scripts/linux.sh", "--cut", tree.url.path + "/none", cuts.url.path], executable: bash)
    #expect(nothing.status == 66)
    #expect(nothing.errors.contains("name a kernel tree"))
    let folder = try Command(
      arguments: ["scripts/linux.sh", "--cut", cuts.url.path, cuts.url.path], executable: bash)
    #expect(folder.status == 66)
    #expect(folder.errors.contains("it has no Makefile"))
  }
}
