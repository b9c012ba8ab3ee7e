/// The Linux-kernel memory model (tools/memory-model, Linux 6.12 and later) on a candidate execution, by its own names:
/// whether it is consistent, and whether it has a data race.
///
/// Whether an execution is consistent is here; what else the model flags is in `KernelFlags`.
struct LinuxKernelModel<Bits: EventBits> {
  typealias Relation = ExploreCore.Relation<Bits>

  let events: [KernelEvent]
  private let count: Int
  private let room: RelationRoom<Bits>
  // Of the threads, whatever they read from.
  let po: Relation
  private let poLoc: Relation
  private let int: Relation
  private let loc: Relation
  private let ext: Relation
  private let addr: Relation
  private let data: Relation
  private let ctrl: Relation
  private let rmw: Relation
  let rcuRscs: Relation
  private let ownSrcuRscs: Relation
  /// Ends of sections whose cookie was read.
  private let readCookies: [Int]
  private let reads, writes, accesses, marked, plain: Bits
  private let returning, unlocks, lockReads: Bits
  private let poOrSelf, acqPo, poRel, rmb, wmb, readBarriers, threadFences: Relation
  /// All that orders events of one thread, dependencies included.
  private let kept: Relation
  private let hasGracePeriods: Bool

  /// `strong`: pairs that something else orders as a strong fence does.
  init(
    _ events: [KernelEvent], po: Relation, _ dependencies: (addr: Relation, data: Relation, ctrl: Relation),
    rmw: Relation, strong: Relation? = nil, in room: RelationRoom<Bits>
  ) {
    self.room = room
    self.events = events
    count = events.count
    self.po = po
    self.rmw = rmw
    (addr, data, ctrl) = dependencies
    var (reads, writes, plain) = (Bits(), Bits(), Bits())
    for (number, event) in events.enumerated() {
      if event.kind == .read { reads.insert(number) }
      if event.kind == .write { writes.insert(number) }
      if event.kind != .fence, event.tags == [] { plain.insert(number) }
    }
    (self.reads, self.writes, self.plain) = (reads, writes, plain)
    accesses = reads | writes
    let all = Bits(below: events.count)
    marked = all & ~plain
    let (loc, int) = (Relation(count: events.count, in: room), Relation(count: events.count, in: room))
    for (a, one) in events.enumerated() {
      for (b, other) in events.enumerated() {
        if one.location >= 0, one.location == other.location { loc.insert(a, b) }
        if one.thread >= 0, one.thread == other.thread { int.insert(a, b) }
      }
    }
    (self.loc, self.int) = (loc, int)
    ext = Relation(all, times: all, count: events.count, in: room) - int
    poLoc = (po & loc).from(accesses).to(accesses)
    rcuRscs = Self.sections(events, .rcuLock, .rcuUnlock, room)
    ownSrcuRscs = Self.sections(events, .srcuLock, .srcuUnlock, room)
    readCookies = events.indices.filter {
      events[$0].tags.contains(.srcuUnlock) && events[$0].section == nil && events[$0].data != 0
    }

    func tagged(_ tags: KernelEvent.Tags) -> Bits { Self.tagged(events, tags) }
    func fencerel(_ tags: KernelEvent.Tags) -> Relation { po.to(tagged(tags)) * po }
    let (acquire, updates) = (tagged([.acquire, .lockRead]), tagged(.update))
    unlocks = tagged(.unlock)
    lockReads = tagged(.lockRead)
    returning = ~tagged(.noReturn)
    poOrSelf = po.optional
    acqPo = po.from(acquire).to(accesses) | fencerel(.acquireFence).from(reads).to(accesses)
    poRel = po.from(accesses).to(tagged(.release)) | fencerel(.releaseFence).from(accesses).to(writes)
    readBarriers = fencerel(.readBarrier)
    rmb = readBarriers.from(reads & returning).to(reads & returning)
    wmb = fencerel(.writeBarrier).from(writes).to(writes)
    let gracePeriods = tagged([.rcuGracePeriod, .srcuGracePeriod])
    hasGracePeriods = !gracePeriods.isEmpty
    let mb =
      fencerel(.fullBarrier)
      | fencerel(.beforeAtomic).to(updates) * poOrSelf
      | poOrSelf.to(updates) * fencerel(.afterAtomic)
      | poOrSelf.to(tagged(.lockWrite)) * fencerel(.afterSpinlock)
      | poOrSelf.to(tagged(.srcuUnlock)) * fencerel(.afterSleepableUnlock)
    let fences = mb.from(accesses).to(accesses) | po.to(gracePeriods) * poOrSelf
    threadFences = strong.map { fences | $0 } ?? fences
    kept = threadFences | acqPo | poRel | rmb | wmb | addr | data | ctrl | po.from(unlocks).to(lockReads)
  }

  /// Each begin of a section to its end: by the cookie, or else as they nest.
  private static func sections(
    _ events: [KernelEvent], _ begin: KernelEvent.Tags, _ end: KernelEvent.Tags, _ room: RelationRoom<Bits>
  ) -> Relation {
    let sections = Relation(count: events.count, in: room)
    var open: [[Int]: [Int]] = [:]
    for (number, event) in events.enumerated() {
      let key = [event.thread, event.location]
      if event.tags.contains(begin) { open[key, default: []].append(number) }
      guard event.tags.contains(end) else { continue }
      if let begun = event.section, let first = events.firstIndex(where: { $0.thread == event.thread }) {
        sections.insert(first + begun, number)
        open[key]?.removeAll { $0 == first + begun }
      } else if event.data == 0, let start = open[key]?.popLast() {
        sections.insert(start, number)
      }
    }
    return sections
  }

  /// `srcu-rscs`: each beginning of a sleepable section to its end, which may get the cookie through memory.
  func srcuRscs(rf: Relation) -> Relation {
    if readCookies.isEmpty { return ownSrcuRscs }
    let sections = ownSrcuRscs.copy()
    func first(_ thread: Int) -> Int { events.firstIndex { $0.thread == thread } ?? 0 }
    for end in readCookies {
      var reads = (thread: events[end].thread, set: events[end].data)
      var steps = 0
      // One read leads on, to what was written of one other; a cookie that is computed of several is none.
      while reads.set != 0, steps < count {
        steps += 1
        let read = first(reads.thread) + reads.set.trailingZeroBitCount
        guard let write = events.indices.first(where: { rf.has($0, read) }) else { break }
        if let begin = events[write].section {
          let begin = first(events[write].thread) + begin
          if events[begin].location == events[end].location { sections.insert(begin, end) }
          break
        }
        reads = (events[write].thread, events[write].data)
      }
    }
    return sections
  }

  private static func tagged(_ events: [KernelEvent], _ tags: KernelEvent.Tags) -> Bits {
    var set = Bits()
    for (number, event) in events.enumerated() where !event.tags.isDisjoint(with: tags) { set.insert(number) }
    return set
  }
  private func tagged(_ tags: KernelEvent.Tags) -> Bits { Self.tagged(events, tags) }

  enum Judgement { case forbidden, allowed, racy }

  /// `isCoherent`: of `rf` and `co` it is known that each place is coherent and each update atomic.
  func judge(rf: Relation, co: Relation, isCoherent: Bool = false) -> Judgement {
    if isCoherent, plain.isEmpty, !hasGracePeriods, isMultiCopyAtomic(rf, co) { return .allowed }
    guard let order = order(rf: rf, co: co, isCoherent: isCoherent) else { return .forbidden }
    if plain.isEmpty { return .allowed }
    let fr = Self.fromReads(rf, co)
    let initial = tagged(.initial)
    let preRace =
      ext
      & (Relation(plain, times: accesses, count: count, in: room)
        | Relation(accesses & ~initial, times: plain, count: count, in: room))
    guard
      (preRace & rf & order.rwXb.inverse | preRace & fr & order.wrVis.inverse | preRace & co & order.wwVis.inverse)
        .isEmpty
    else { return .forbidden }
    let wwRace = (preRace & co) - order.wwNonRace
    let wrRace = (preRace & (co.optional * rf)) - order.wrVis - order.rwXb.inverse
    let rwRace = (preRace & fr) - order.rwXb
    return (wwRace | wrRace | rwRace).isEmpty ? .allowed : .racy
  }

  /// Whether nothing would go round in a circle if memory were multi-copy atomic, and all kept its order that may. Each
  /// relation of the model is made of such steps, so that none of them has a cycle then.
  private func isMultiCopyAtomic(_ rf: Relation, _ co: Relation) -> Bool {
    (kept | (rf & ext) | co | Self.fromReads(rf, co) | ((addr | data) * (rf & int))).isAcyclic
  }

  private static func fromReads(_ rf: Relation, _ co: Relation) -> Relation { (rf.inverse * co).irreflexive }

  /// What of a consistent execution matters to its plain accesses.
  struct Order {
    /// `ww-vis`, `wr-vis`, `rw-xbstar`, and `ww-nonrace`.
    var wwVis, wrVis, rwXb, wwNonRace: Relation
  }

  /// Nil where an axiom about marked accesses does not hold: `coherence`, `atomic`, `happens-before`, `propagation` or `rcu`.
  func order(rf: Relation, co: Relation, isCoherent: Bool = false) -> Order? {
    let fr = Self.fromReads(rf, co)
    let (rfe, rfi, coe, fre) = (rf & ext, rf & int, co & ext, fr & ext)
    let (R, W, M) = (reads, writes, accesses)

    // Coherence, and atomic updates.
    if !isCoherent {
      guard (poLoc | rf | co | fr).isAcyclic, (rmw & (fre * coe)).isEmpty else { return nil }
    }

    // Dependencies, carried through plain accesses too.
    let carry = (data * rfi).star
    let (addr, ctrl, data) = (carry * addr, carry * ctrl, carry * data)

    // Fences: those of one thread, and what locks that are passed on order.
    let poUnlockLockPo = po.to(unlocks) * (po | rf).to(lockReads) * po
    var strongFence =
      threadFences | (poUnlockLockPo.to(tagged(.afterUnlockLock)) * po).from(M).to(M)
    let nonrwFence = strongFence | poRel | acqPo
    var fence = nonrwFence | wmb | rmb

    // Preserved program order.
    let dep = addr | data
    let rwdep = (dep | ctrl).to(W)
    let overwrite = co | fr
    let toW = rwdep | (overwrite & int) | addr.to(plain) * wmb
    let toR = addr.to(R) | dep.to(marked) * rfi
    let ppo = toR | toW | (fence & int) | (poUnlockLockPo & int)

    // Propagation.
    let rmwSequence = (rf * rmw).star
    func cumulative(_ relation: Relation) -> Relation { rfe.to(marked).optional * relation }
    let cumulFence =
      (cumulative(strongFence | poRel) | wmb | poUnlockLockPo).from(marked).to(marked) * rmwSequence
    let prop =
      ((overwrite & ext).optional * cumulFence.star).from(marked).to(marked) * rfe.optional.to(marked)

    let hb = (ppo | rfe | (prop.irreflexive & int)).from(marked).to(marked)
    guard let hbStar = hb.starIfAcyclic else { return nil }
    let pb = (prop * strongFence * hbStar).to(marked)
    guard let pbStar = pb.starIfAcyclic else { return nil }

    // Grace periods against sections.
    var rb = Relation(count: count, in: room)
    if hasGracePeriods {
      let rcuLink = poOrSelf * hbStar * pbStar * prop * po
      let rcuFence = po * rcuOrder(rcuLink, srcuRscs(rf: rf)) * poOrSelf
      fence = fence | rcuFence
      strongFence = strongFence | rcuFence
      rb = (prop * rcuFence * hbStar * pbStar).to(marked)
      guard rb.isIrreflexive else { return nil }
    }

    // Plain accesses.
    if plain.isEmpty { return Order(wwVis: rb, wrVis: rb, rwXb: rb, wwNonRace: rb) }
    let xbStar = (hb | pb | rb).star
    let vis =
      cumulFence.star * rfe.optional.to(marked) * (strongFence.to(marked) * xbStar | (xbStar & int))
    let wPre = (addr | fence).optional.from(marked)
    let rPre = (addr | nonrwFence | readBarriers.from(R & returning).to(returning)).optional.from(marked)
    let wPost = fence.optional.to(marked) * rmwSequence
    let rPost = (nonrwFence | readBarriers.from(returning).to(R & returning)).optional.to(marked)
    let wwVis = fence | strongFence * xbStar * wPre | wPost * vis * wPre
    let wrVis = fence | strongFence * xbStar * rPre | wPost * vis * rPre
    let rwXb = fence | rPost * xbStar * wPre
    let wwNonRace =
      wwVis & (Relation(marked, times: W, count: count, in: room) | rwXb)
      & (Relation(W, times: marked, count: count, in: room) | wrVis)
    return Order(wwVis: wwVis, wrVis: wrVis, rwXb: rwXb, wwNonRace: wwNonRace)
  }

  private func rcuOrder(_ link: Relation, _ srcuRscs: Relation) -> Relation {
    let rcuGP = Relation(identity: tagged(.rcuGracePeriod), count: count, in: room)
    let srcuGP = Relation(identity: tagged(.srcuGracePeriod), count: count, in: room)
    let (rcuRscsi, srcuRscsi) = (rcuRscs.inverse, srcuRscs.inverse)
    func both(_ gp: Relation, _ rscsi: Relation, _ between: Relation) -> Relation {
      gp * between * rscsi | rscsi * between * gp
    }
    var order = rcuGP | srcuGP | both(rcuGP, rcuRscsi, link) | (both(srcuGP, srcuRscsi, link) & loc)
    while true {
      let between = link * order * link
      let more =
        order | both(rcuGP, rcuRscsi, between) | (both(srcuGP, srcuRscsi, between) & loc) | order * link * order
      if more == order { return order }
      order = more
    }
  }
}
