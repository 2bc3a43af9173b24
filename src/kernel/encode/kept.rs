//! Tables of the last calls, kept for later ones.

#[cfg(feature = "std")]
use alloc::vec::Vec;
#[cfg(not(feature = "std"))]
use core::marker::PhantomData;
#[cfg(feature = "std")]
use std::sync::{Mutex, PoisonError};

/// Tables that are kept, each with what it was made for; without `std` none is.
pub(in crate::kernel) struct Kept<K, T> {
    #[cfg(feature = "std")]
    tables: Mutex<Vec<(K, T)>>,
    #[cfg(not(feature = "std"))]
    none: PhantomData<fn() -> (K, T)>,
}

impl<K: PartialEq, T: Clone> Kept<K, T> {
    pub(in crate::kernel) const fn new() -> Self {
        Self {
            #[cfg(feature = "std")]
            tables: Mutex::new(Vec::new()),
            #[cfg(not(feature = "std"))]
            none: PhantomData,
        }
    }

    /// Returns the table for a key, from an earlier call or made now.
    #[cfg(feature = "std")]
    pub(in crate::kernel) fn get(&self, key: K, make: impl FnOnce() -> Option<T>) -> Option<T> {
        /// Tables that are kept: at most 2 MB.
        const KEPT: usize = 32;
        let known = |tables: &[(K, T)]| {
            tables.iter().find(|(other, _)| *other == key).map(|(_, table)| table.clone())
        };
        // A table is whole or not there, whatever another thread's panic interrupted.
        let lock = || self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known(&lock()) {
            return Some(table);
        }
        // Not under the lock: two threads may make the same table, which then is the same.
        let table = make()?;
        let mut tables = lock();
        if known(&tables).is_none() {
            if tables.len() >= KEPT {
                tables.remove(0);
            }
            tables.push((key, table.clone()));
        }
        Some(table)
    }

    /// Returns the table for a key, made now.
    #[cfg(not(feature = "std"))]
    pub(in crate::kernel) fn get(&self, _: K, make: impl FnOnce() -> Option<T>) -> Option<T> {
        make()
    }
}
