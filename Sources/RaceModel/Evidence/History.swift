extension Evidence {
  /// What every racer did at an inode, and what became of its allocations: a line each.
  public func history(of inode: Int) -> [String] {
    guard inode < inodeCount else { return [] }
    var lines: [String] = []
    for operation in operations.inode(inode) {
      var parts: [String] = []
      if operation.report == .absent {
        parts.append("saw NULL")
      } else {
        if operation.sawNull { parts.append("saw NULL, went on to populate") }
        if operation.refused { parts.append("was refused an allocation") }
        if operation.published { parts.append("published") }
        switch operation.report {
        case .success: parts.append("reported success")
        case .failure: parts.append("reported -ENOMEM")
        case .again: parts.append("reported -EAGAIN")
        case .nothing: parts.append("reported nothing")
        case .absent: break
        }
      }
      switch operation.returned {
      case .nothing: break
      case .allocation(let number): parts.append("returned allocation \(number)")
      case .stranger: parts.append("returned something never allocated")
      }
      lines.append(
        "racer \(operation.racer) (\(roles[operation.racer])), \(slots[operation.slot]): "
          + parts.joined(separator: ", "))
    }
    for (number, allocation) in allocations.enumerated() where allocation.inode == inode {
      var parts: [String] = []
      if allocation.published > 0 { parts.append("published\(times(allocation.published))") }
      if allocation.links > 0 { parts.append("linked\(times(allocation.links))") }
      if allocation.freedByVisit > 0 { parts.append("freed by its visit\(times(allocation.freedByVisit))") }
      if allocation.freedElsewhere > 0 { parts.append("freed by another visit\(times(allocation.freedElsewhere))") }
      if allocation.freedByTeardown > 0 { parts.append("freed by teardown\(times(allocation.freedByTeardown))") }
      if allocation.freed == 0 { parts.append("never freed") }
      lines.append(
        "allocation \(number) (racer \(allocation.racer), \(allocation.size) bytes): "
          + parts.joined(separator: ", "))
    }
    for slot in slots.indices {
      let shown =
        switch final(inode: inode, slot: slot) {
        case .empty: "NULL"
        case .allocation(let number): "allocation \(number)"
        case .stranger(let bits): hexadecimal(bits)
        }
      lines.append("\(slots[slot]) at the end: \(shown)")
    }
    return lines
  }

  private func times(_ count: Int) -> String { count == 1 ? "" : " \(count) times" }
  private func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

extension [VisitOperation] {
  /// The operations on an inode, by binary search: they are sorted by it.
  fileprivate func inode(_ inode: Int) -> ArraySlice<VisitOperation> {
    func firstIndex(from inode: Int) -> Int {
      var (low, high) = (startIndex, endIndex)
      while low < high {
        let middle = (low + high) / 2
        if self[middle].inode < inode { low = middle + 1 } else { high = middle }
      }
      return low
    }
    return self[firstIndex(from: inode)..<firstIndex(from: inode + 1)]
  }
}
