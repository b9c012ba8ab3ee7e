import Addons

typealias FileOwnerForTests = FileOwner<CompareExchange>
