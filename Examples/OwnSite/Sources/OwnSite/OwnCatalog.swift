import AddonRace

/// What there is to race and to explore: sites of one's own, and strategies of one's own at Linux's sites.
public enum OwnCatalog: Catalog {
  public static func visitAll(_ visitor: inout SubjectVisitor) {
    visitor.visit(ConnectionStats<WithHistory<PublishOnce>>.self)
    visitor.visitUnmeasured(ConnectionStats<WithHistory<PublishAndForget>>.self)
    visitor.visit(FileOwner<PublishOnce>.self)
  }
}
