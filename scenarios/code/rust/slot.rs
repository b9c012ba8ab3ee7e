// A slot for a box, filled by whoever comes first.
//
// rustc slot.rs [--cfg relaxed]

#![allow(unexpected_cfgs)]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;

struct Slot {
    pointer: AtomicPtr<u64>,
}

impl Slot {
    fn get(&self) -> &u64 {
        let (publish, look) = if cfg!(relaxed) {
            (Ordering::Relaxed, Ordering::Relaxed)
        } else {
            (Ordering::AcqRel, Ordering::Acquire)
        };
        let found = self.pointer.load(look);
        if !found.is_null() {
            return unsafe { &*found };
        }
        let mine = Box::into_raw(Box::new(42));
        match self.pointer.compare_exchange(null_mut(), mine, publish, look) {
            Ok(_) => unsafe { &*mine },
            Err(winner) => {
                drop(unsafe { Box::from_raw(mine) });
                unsafe { &*winner }
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(unsafe { Box::from_raw(*self.pointer.get_mut()) });
    }
}

fn main() {
    let slot = Slot { pointer: AtomicPtr::new(null_mut()) };
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(*slot.get(), 42));
        scope.spawn(|| assert_eq!(*slot.get(), 42));
    });
}
