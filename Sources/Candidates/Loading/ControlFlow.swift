import CCandidate

/// Where the ways of a program's branches join: each block's immediate post-dominator.
struct ControlFlow {
  /// By block: what follows it, and whether a function begins there.
  struct Block {
    var successors: [Int] = []
    var isEntry = false
  }

  let blocks: [Block]
  /// By block: where its ways join, or nil where they do not before the function ends.
  let joins: [Int?]

  init(_ blocks: [Block]) {
    self.blocks = blocks
    joins = Self.joins(blocks)
  }

  /// As a program has it whose blocks were told by SanitizerCoverage.
  init(_ flow: addonrace_flow) {
    var numbers: [UInt: Int] = [:]
    var blocks: [Block] = []
    if let places = flow.places, let end = flow.places_end {
      for pair in 0..<(end - places) / 2 {
        numbers[UInt(places[2 * pair])] = pair
        blocks.append(Block(isEntry: places[2 * pair + 1] & 1 != 0))
      }
    }
    if let table = flow.successors, let end = flow.successors_end {
      var next = 0
      let count = end - table
      while next < count {
        let block = numbers[UInt(table[next])]
        next += 1
        while next < count, table[next] != 0 {
          if let block, let successor = numbers[UInt(table[next])] { blocks[block].successors.append(successor) }
          next += 1
        }
        next += 1
        while next < count, table[next] != 0 { next += 1 }
        next += 1
      }
    }
    self.init(blocks)
  }

  /// For the program's hooks.
  var table: [addonrace_block] {
    blocks.indices.map { number in
      let block = blocks[number]
      let join = joins[number].map { UInt32($0) } ?? UInt32.max
      return addonrace_block(
        join: join, ways: UInt32(Set(block.successors).count),
        next: block.successors.first.map { UInt32($0) } ?? UInt32.max, is_entry: block.isEntry ? 1 : 0)
    }
  }

  /// Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", 2001, on the graph the other way round, from an exit
  /// that every block without a successor leads to.
  private static func joins(_ blocks: [Block]) -> [Int?] {
    let exit = blocks.count
    var before = Array(repeating: [Int](), count: exit + 1)
    for (number, block) in blocks.enumerated() {
      for successor in block.successors { before[successor].append(number) }
      if block.successors.isEmpty { before[exit].append(number) }
    }
    // Post-order of a walk backwards from the exit.
    var order: [Int] = []
    var rank = Array(repeating: -1, count: exit + 1)
    var isSeen = Array(repeating: false, count: exit + 1)
    var stack = [(exit, 0)]
    isSeen[exit] = true
    while let (block, next) = stack.last {
      if next < before[block].count {
        stack[stack.count - 1].1 += 1
        let other = before[block][next]
        if !isSeen[other] {
          isSeen[other] = true
          stack.append((other, 0))
        }
      } else {
        rank[block] = order.count
        order.append(block)
        stack.removeLast()
      }
    }
    var immediate = [Int?](repeating: nil, count: exit + 1)
    immediate[exit] = exit
    func meet(_ a: Int, _ b: Int) -> Int {
      var (a, b) = (a, b)
      while a != b {
        while rank[a] < rank[b] { a = immediate[a] ?? exit }
        while rank[b] < rank[a] { b = immediate[b] ?? exit }
      }
      return a
    }
    var changes = true
    while changes {
      changes = false
      for block in order.reversed() where block != exit {
        let following = blocks[block].successors.isEmpty ? [exit] : blocks[block].successors
        var join: Int?
        for other in following where immediate[other] != nil { join = join.map { meet($0, other) } ?? other }
        if join != immediate[block] {
          immediate[block] = join
          changes = true
        }
      }
    }
    return (0..<exit).map { immediate[$0] == exit ? nil : immediate[$0] }
  }
}
