import BenchEngine
import CPeers
import Foundation

/// Peers behind C's calling convention.
enum NativePeers {
  typealias Prepare = @convention(c) (UnsafeMutableRawPointer, Int, Int) -> Void
  typealias Visit = @convention(c) (UnsafeMutableRawPointer, Int, Int) -> cpeers_tally

  static func all(on field: BenchField) -> [Contestant] {
    [
      contestant(
        "POSIX pthread_once", cpeers_pthread_once_create, cpeers_pthread_once_visit, cpeers_pthread_once_empty,
        on: field),
      contestant(
        "POSIX mutex always", cpeers_pthread_mutex_create, cpeers_pthread_mutex_visit, cpeers_pthread_mutex_empty,
        on: field),
      contestant("C++ call_once", cpeers_call_once_create, cpeers_call_once_visit, cpeers_call_once_empty, on: field),
      Contestant(
        "C++ local static", measures: [.fastPath], create: {},
        visit: { _, passes in for _ in 0..<passes { cpeers_local_static_visit(field.area.count) } }, empty: {}),
    ]
  }

  /// Those of a library that `scripts/peers.sh` has rustc make.
  static func rust(_ library: String, on field: BenchField) throws -> [Contestant] {
    guard let handle = dlopen(library, RTLD_NOW) else {
      throw PeersError(
        "cannot load \(library): \(String(cString: dlerror())); build it with scripts/peers.sh, or leave --rust out")
    }
    func function<T>(_ name: String, _ type: T.Type) throws -> T {
      guard let symbol = dlsym(handle, name) else {
        throw PeersError("\(library) has no function \(name); build it with scripts/peers.sh")
      }
      return unsafeBitCast(symbol, to: type)
    }
    return try [("Rust OnceLock", "rpeers_once_lock"), ("Rust OnceBox shape", "rpeers_once_box")].map { name, prefix in
      contestant(
        name, try function("\(prefix)_create", Prepare.self), try function("\(prefix)_visit", Visit.self),
        try function("\(prefix)_empty", Prepare.self), on: field)
    }
  }

  private static func contestant(
    _ name: String, _ create: @escaping Prepare, _ visit: @escaping Visit, _ empty: @escaping Prepare,
    on field: BenchField
  ) -> Contestant {
    let counts = field.counts
    return Contestant(
      name,
      create: {
        field.clear()
        let (inodes, spacing, count) = field.inodes
        create(inodes, spacing, count)
      },
      visit: { racer, passes in
        let (inodes, spacing, count) = field.inodes
        for _ in 0..<passes {
          let tally = visit(inodes, spacing, count)
          counts.add(allocations: tally.allocations, losses: tally.losses, by: racer)
        }
      },
      visitFirst: { count in
        let (inodes, spacing, _) = field.inodes
        _ = visit(inodes, spacing, count)
      },
      empty: {
        let (inodes, spacing, count) = field.inodes
        empty(inodes, spacing, count)
      })
  }
}

struct PeersError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
