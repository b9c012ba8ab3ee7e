/// Finds the ledger number of an address that `malloc` returned: a hash table with one entry an address, the newest.
///
/// Linear probing over a power of two at least four times the number of allocations, so that it never fills.
public struct AddressBook {
  public let addresses: UnsafeMutablePointer<UInt>
  public let numbers: UnsafeMutablePointer<UInt32>
  public let mask: Int

  public init(capacity: Int) {
    var size = 64
    while size < capacity * 4 { size *= 2 }
    addresses = .allocate(capacity: size)
    numbers = .allocate(capacity: size)
    mask = size - 1
    numbers.initialize(repeating: 0, count: size)
    clear()
  }

  public func clear() { addresses.initialize(repeating: 0, count: mask + 1) }

  public func destroy() {
    addresses.deallocate()
    numbers.deallocate()
  }

  public func place(of address: UInt) -> Int {
    var place = Int(truncatingIfNeeded: (address >> 4) &* 0x9e37_79b9_7f4a_7c15 >> 32) & mask
    while addresses[place] != 0, addresses[place] != address { place = (place + 1) & mask }
    return place
  }

  public func insert(_ address: UInt, number: Int) {
    let place = place(of: address)
    addresses[place] = address
    numbers[place] = UInt32(number)
  }

  public func number(of address: UInt) -> Int? {
    let place = place(of: address)
    return addresses[place] == address ? Int(numbers[place]) : nil
  }
}
