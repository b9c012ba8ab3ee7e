//! Rust's ways to make something on first use, each for many slots in a row, behind C's calling convention. The
//! functions are those of `CPeers.h`.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::OnceLock;

/// 40 bytes, as struct fown_struct.
#[repr(C)]
pub struct Owner {
    lock: u32,
    process: u64,
    inode: usize,
    rest: [u64; 2],
}

impl Owner {
    fn of(inode: usize) -> Box<Owner> {
        Box::new(Owner { lock: 0x10c0, process: 0, inode, rest: [0; 2] })
    }
}

#[repr(C)]
pub struct Tally {
    allocations: isize,
    losses: isize,
}

/// One way to fill a slot.
trait Lazy {
    fn empty() -> Self;
    /// Makes sure that there is an owner, and counts.
    fn visit(&self, tally: &mut Tally);
}

impl Lazy for OnceLock<Box<Owner>> {
    fn empty() -> Self {
        OnceLock::new()
    }
    fn visit(&self, tally: &mut Tally) {
        let owner = self.get_or_init(|| {
            tally.allocations += 1;
            Owner::of(self as *const _ as usize)
        });
        std::hint::black_box(&**owner);
    }
}

/// The shape of a race-to-initialise box: whoever loses the compare-exchange drops its own.
struct OnceBox(AtomicPtr<Owner>);

impl Lazy for OnceBox {
    fn empty() -> Self {
        OnceBox(AtomicPtr::new(std::ptr::null_mut()))
    }
    fn visit(&self, tally: &mut Tally) {
        let found = self.0.load(Ordering::Acquire);
        if !found.is_null() {
            std::hint::black_box(found);
            return;
        }
        tally.allocations += 1;
        let mine = Box::into_raw(Owner::of(self as *const _ as usize));
        let exchanged =
            self.0.compare_exchange(std::ptr::null_mut(), mine, Ordering::AcqRel, Ordering::Acquire);
        if exchanged.is_err() {
            tally.losses += 1;
            // SAFETY: nobody else has seen it.
            drop(unsafe { Box::from_raw(mine) });
        }
    }
}

impl Drop for OnceBox {
    fn drop(&mut self) {
        let owner = *self.0.get_mut();
        if !owner.is_null() {
            // SAFETY: it came from a box, and nobody else looks any more.
            drop(unsafe { Box::from_raw(owner) });
        }
    }
}

/// SAFETY of all three: `count` slots, `spacing` bytes apart, that are big enough, and that only these functions touch.
unsafe fn slots<T>(inodes: *mut u8, spacing: isize, count: isize) -> impl Iterator<Item = *mut T> {
    (0..count).map(move |number| unsafe { inodes.offset(number * spacing) } as *mut T)
}
unsafe fn create<T: Lazy>(inodes: *mut u8, spacing: isize, count: isize) {
    for slot in unsafe { slots::<T>(inodes, spacing, count) } {
        unsafe { slot.write(T::empty()) }
    }
}
unsafe fn visit<T: Lazy>(inodes: *mut u8, spacing: isize, count: isize) -> Tally {
    let mut tally = Tally { allocations: 0, losses: 0 };
    let slot = |number: isize| unsafe { &*(inodes.offset(number * spacing) as *const T) };
    // Four in a row, as those that these are compared with.
    let mut number = 0;
    while number + 4 <= count {
        slot(number).visit(&mut tally);
        slot(number + 1).visit(&mut tally);
        slot(number + 2).visit(&mut tally);
        slot(number + 3).visit(&mut tally);
        number += 4;
    }
    while number < count {
        slot(number).visit(&mut tally);
        number += 1;
    }
    tally
}
unsafe fn empty<T: Lazy>(inodes: *mut u8, spacing: isize, count: isize) {
    for slot in unsafe { slots::<T>(inodes, spacing, count) } {
        unsafe { slot.replace(T::empty()) };
    }
}

macro_rules! export {
    ($type:ty, $create:ident, $visit:ident, $empty:ident) => {
        #[no_mangle]
        pub unsafe extern "C" fn $create(inodes: *mut u8, spacing: isize, count: isize) {
            unsafe { create::<$type>(inodes, spacing, count) }
        }
        #[no_mangle]
        pub unsafe extern "C" fn $visit(inodes: *mut u8, spacing: isize, count: isize) -> Tally {
            unsafe { visit::<$type>(inodes, spacing, count) }
        }
        #[no_mangle]
        pub unsafe extern "C" fn $empty(inodes: *mut u8, spacing: isize, count: isize) {
            unsafe { empty::<$type>(inodes, spacing, count) }
        }
    };
}
export!(OnceLock<Box<Owner>>, rpeers_once_lock_create, rpeers_once_lock_visit, rpeers_once_lock_empty);
export!(OnceBox, rpeers_once_box_create, rpeers_once_box_visit, rpeers_once_box_empty);
