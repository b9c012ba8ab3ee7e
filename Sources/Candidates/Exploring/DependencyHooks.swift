import ExploreCore

/// Where dependencies are tracked: what the program tells of an access before it, and is told of a read after it.
extension CandidateHooks {
  static let depends: @convention(c) (UInt32, UInt32, UInt64) -> Void = { address, data, control in
    let execution = state.pointee.execution
    execution.tellDependencies(
      execution.state.pointee.current, address: UInt8(truncatingIfNeeded: address),
      data: UInt8(truncatingIfNeeded: data), control: control)
  }

  static let label: @convention(c) () -> UInt32 = {
    let execution = state.pointee.execution
    if execution.state.pointee.isQuiescent { return 0 }
    return UInt32(execution.state.pointee.labels?.last(execution.state.pointee.current) ?? 0)
  }

  static let reads: @convention(c) (UInt32) -> UInt64 = { label in
    let execution = state.pointee.execution
    if execution.state.pointee.isQuiescent { return 0 }
    return execution.state.pointee.labels?.reads(
      execution.state.pointee.current, UInt8(truncatingIfNeeded: label)) ?? 0
  }
}
