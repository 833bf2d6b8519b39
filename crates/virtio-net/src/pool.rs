//! The pages of the two virtqueues.
//!
//! `virtio_drivers` allocates DMA pages through functions without a receiver, so the pool has to be
//! a static. It holds the four pages of one network device and gives each of them out once.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Two queues of two pages each.
const PAGES: usize = 4;

#[repr(C, align(4096))]
struct Pages(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: a page is reached only through the pointer that `dma_alloc` gave out once.
unsafe impl Sync for Pages {}

static POOL: Pages = Pages(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));
/// Pages given out so far. Loads and stores only: riscv32imc has no compare-and-swap, and a ROM has
/// one hart.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Identity-mapped memory and the static pool.
pub struct PoolHal;

// SAFETY: pages come zeroed, page-aligned and once each from a static; addresses are identity-mapped
// because a boot ROM runs without address translation.
unsafe impl Hal for PoolHal {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = USED.load(Ordering::Relaxed);
        let next = first.saturating_add(pages);
        if next > PAGES {
            // Address 0 is virtio-drivers' word for "no memory".
            return (0, NonNull::dangling());
        }
        USED.store(next, Ordering::Relaxed);
        // SAFETY: `first` is at most PAGES, so the result stays inside the pool.
        let page = unsafe { POOL.0.get().cast::<u8>().add(first * PAGE_SIZE) };
        match NonNull::new(page) {
            Some(page) => (page.as_ptr() as PhysAddr, page),
            None => (0, NonNull::dangling()),
        }
    }

    unsafe fn dma_dealloc(_paddr: PhysAddr, _vaddr: NonNull<u8>, _pages: usize) -> i32 {
        // Pages are not reused: the device lives as long as the boot.
        0
    }

    unsafe fn mmio_phys_to_virt(paddr: PhysAddr, _size: usize) -> NonNull<u8> {
        NonNull::new(paddr as *mut u8).unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().as_ptr() as PhysAddr
    }

    unsafe fn unshare(_paddr: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}
