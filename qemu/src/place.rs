//! Values in statics of their own.

use core::mem::MaybeUninit;

/// Makes a value where it will stay. `place` is an argument so that the compiler knows nobody else
/// sees it, and builds the value there instead of on the stack.
#[inline(never)]
pub fn put<T>(place: &'static mut MaybeUninit<T>, make: impl FnOnce() -> T) -> &'static mut T {
    place.write(make())
}
