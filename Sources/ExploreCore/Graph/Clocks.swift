// Four vector clocks an event stand beside it: what happens before it, what caused it, what a read of it learns, and what a
// later fence will.

extension ExecutionGraph {
  /// Which clock of an event.
  enum ClockKind: Int, CaseIterable { case happensBefore, causes, released, acquirable }

  @inline(__always) func clock(_ event: Int, _ kind: ClockKind) -> VectorClock {
    VectorClock(clocks + (event &* 4 &+ kind.rawValue) &* width &* 8, width: width)
  }
  /// All four of an event, as one.
  @inline(__always) func allClocks(_ event: Int) -> VectorClock {
    VectorClock(clocks + event &* 4 &* width &* 8, width: 4 &* width)
  }
  /// What happens before the event, and the event itself.
  @inline(__always) package func happensBefore(_ event: Int) -> VectorClock { clock(event, .happensBefore) }
  /// What the event exists because of: program order and reads-from, and the event itself.
  @inline(__always) func causes(_ event: Int) -> VectorClock { clock(event, .causes) }
  /// A write's: what a read of it learns.
  @inline(__always) func released(_ event: Int) -> VectorClock { clock(event, .released) }
  /// What an acquiring fence after the event learns.
  @inline(__always) func acquirable(_ event: Int) -> VectorClock { clock(event, .acquirable) }

  /// Fills an event's clocks from those of its racer's event before it, of what it reads, and of its twin.
  mutating func computeClocks(_ id: Int) {
    computeCauses(id)
    computeHappensBefore(id)
  }

  private func computeCauses(_ id: Int) {
    let event = events + id
    let causes = causes(id)
    let previous = Int(event.pointee.poPrevious)
    let birth = Int(births[Int(event.pointee.racer)])
    if previous >= 0 {
      causes.copy(self.causes(previous))
    } else if birth >= 0 {
      causes.copy(self.causes(birth))
    } else {
      causes.clear()
    }
    if event.pointee.role == .join, let end = lastEvent(ofTarget: event.pointee) { causes.join(self.causes(end)) }
    let source = Int(event.pointee.readsFrom)
    if event.pointee.kind == .read, source >= 0 { causes.join(self.causes(source)) }
    if let twin = twin(of: id) {
      // An update is one: nobody keeps its read and not its write.
      causes.join(
        self.causes(events[twin].isSuccessfulRMW && events[twin].kind == .read ? Int(events[twin].poNext) : twin))
    }
    causes[Int(event.pointee.racer)] = event.pointee.index + 1
  }

  /// The clocks but for causes.
  mutating func computeHappensBefore(_ id: Int) {
    let event = events + id
    let (before, pending) = (happensBefore(id), acquirable(id))
    let previous = Int(event.pointee.poPrevious)
    if previous >= 0 {
      before.copy(happensBefore(previous))
      pending.copy(acquirable(previous))
      event.pointee.releaseFence = events[previous].releaseFence
      // The fence behind a full RMW is an acquiring one.
      if events[previous].isFullRMW, events[previous].kind == .write { before.join(pending) }
    } else {
      let birth = Int(births[Int(event.pointee.racer)])
      if birth >= 0 { before.copy(happensBefore(birth)) } else { before.clear() }
      pending.clear()
      event.pointee.releaseFence = -1
    }
    let ordering = event.pointee.ordering
    switch event.pointee.kind {
    case .read:
      // And so is the one in front of it.
      if event.pointee.isFullRMW { before.join(pending) }
      let source = Int(event.pointee.readsFrom)
      if source >= 0 {
        if ordering.contains(.acquires) || rules.everyAccessSynchronises {
          before.join(released(source))
        } else if !ordering.contains(.isPlain) {
          pending.join(released(source))
        }
      }
    case .fence:
      // The kernel's smp_rmb and smp_wmb order reads, or writes, alone: of that only the axioms know (`KernelGraph`).
      let ordersAll = !rules.isLinuxKernel || ordering.isDisjoint(with: [.isReadBarrier, .isWriteBarrier])
      if ordersAll, ordering.contains(.acquires) { before.join(pending) }
      if ordersAll, ordering.contains(.releases) { event.pointee.releaseFence = Int32(id) }
      if event.pointee.role == .join { joinEnd(of: event.pointee, before) }
    case .write:
      if event.pointee.beginsSection { forEachGracePeriod(before: id) { before.join(happensBefore($0)) } }
    case .choice: break
    }
    before[Int(event.pointee.racer)] = event.pointee.index + 1
    if event.pointee.kind == .write { computeReleased(id) }
  }

  /// The last event of the racer whose end a join has waited for, if it has any.
  func lastEvent(ofTarget join: Event) -> Int? {
    let last = last[Int(join.value)]
    return last < 0 ? nil : Int(last)
  }

  /// All that a racer did comes before the join, what came after its last event too.
  private func joinEnd(of join: Event, _ before: VectorClock) {
    let target = Int(join.value)
    if let end = lastEvent(ofTarget: join) {
      before.join(happensBefore(end))
      if events[end].isFullRMW { before.join(acquirable(end)) }
    } else if births[target] >= 0 {
      before.join(happensBefore(Int(births[target])))
    }
    before[target] = length[target] + 1
  }

  private mutating func computeReleased(_ id: Int) {
    let event = events + id
    let message = released(id)
    if event.pointee.ordering.contains(.releases) || rules.everyAccessSynchronises {
      message.copy(happensBefore(id))
      // The kernel's releases are A-cumulative: what a relaxed read has learnt is passed on.
      if rules.isLinuxKernel { message.join(acquirable(id)) }
    } else if event.pointee.isFullRMW {
      // The fence in front of it releases what comes before the RMW's read.
      message.copy(happensBefore(Int(event.pointee.poPrevious)))
    } else if event.pointee.releaseFence >= 0, !event.pointee.ordering.contains(.isPlain) {
      let fence = Int(event.pointee.releaseFence)
      message.copy(happensBefore(fence))
      if events[fence].kind == .write { message.join(acquirable(fence)) }
    } else {
      message.clear()
    }
    if event.pointee.isSuccessfulRMW {
      let source = Int(events[Int(event.pointee.poPrevious)].readsFrom)
      if source >= 0 { message.join(released(source)) }
    }
    // The fence behind a full RMW releases too.
    if event.pointee.isFullRMW { event.pointee.releaseFence = Int32(id) }
  }

  /// Whether `a` comes causally before `b`, or is `b`.
  @inline(__always) func isCause(_ a: Int, of b: Int) -> Bool { causes(b).covers(events[a]) }
}
