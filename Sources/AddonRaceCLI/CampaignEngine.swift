import AddonRace
import Foundation

/// Who runs a campaign's jobs. What has to be known of queues, machines and limits, the engine knows; nothing of that is
/// done here.
enum CampaignEngine: String, CaseIterable {
  /// This machine, one job after the other, each with all processors.
  case local
  /// GNU parallel, here or over ssh.
  case parallel
  /// A job array of Slurm's.
  case slurm
  /// HyperQueue: the server that runs in $HQ_SERVER_DIR or ~/.hq-server, or else one for the campaign, on this machine.
  case hyperqueue

  /// What it is called by, and where it comes from.
  private var program: (name: String, origin: String)? {
    switch self {
    case .local: nil
    case .parallel: ("parallel", "apt-get install parallel")
    case .slurm: ("sbatch", "apt-get install slurm-wlm, and configure it; scripts/cluster.sh shows how on one machine")
    case .hyperqueue: ("python3", "apt-get install python3, and pip install hyperqueue")
    }
  }

  /// What is missing; nil where it can be used.
  var complaint: (message: String, remedy: String)? {
    guard let program else { return nil }
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    if folders.contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(program.name)") }) {
      if self != .hyperqueue || Self.pythonHasHyperQueue { return nil }
      return ("Python has no module 'hyperqueue', which --on hyperqueue needs", "pip install hyperqueue")
    }
    return ("'\(program.name)' is not installed, which --on \(rawValue) needs", program.origin)
  }

  private static var pythonHasHyperQueue: Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", "import hyperqueue"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// A task for each line of a file.
  private static let hyperQueue = """
    import os, sys
    from hyperqueue import Client, Job, LocalCluster
    def submit(client):
        job = Job()
        for line in open(sys.argv[1]):
            job.program(["bash", "-c", line.rstrip("\\n")], stdout=None, stderr=None)
        client.wait_for_jobs([client.submit(job)], raise_on_error=False)
    folder = os.environ.get("HQ_SERVER_DIR") or os.path.expanduser("~/.hq-server")
    if os.path.exists(os.path.join(folder, "hq-current")):
        submit(Client(folder))
    else:
        with LocalCluster() as cluster:
            cluster.start_worker()
            submit(cluster.client())
    """

  /// What hands the jobs to the engine, and waits for them. `commands` is a file with one a line, `options` are the engine's
  /// own.
  func command(_ commands: String, count: Int, options: [String], folder: String) -> [String] {
    switch self {
    case .local:
      [
        "bash", "-c",
        "trap 'exit 130' INT; while IFS= read -r command; do bash -c \"$command\" </dev/null; done <\"$0\"", commands,
      ]
    case .parallel: ["parallel", "--will-cite", "--joblog", "\(folder)/joblog"] + options + ["-a", commands]
    case .slurm:
      ["sbatch", "--wait", "--array=1-\(count)", "--output=\(folder)/slurm-%a.log", "--requeue"] + options + [
        "--wrap", "bash -c \"$(sed -n \"${SLURM_ARRAY_TASK_ID}p\" \(ShellWord.quoted(commands)))\"",
      ]
    case .hyperqueue: ["python3", "-c", Self.hyperQueue, commands]
    }
  }
}
