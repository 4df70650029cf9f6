//! Book-keeping of the key/value cache: which sequence holds which tokens in which cells.
//!
//! llama.cpp's unified cache has a fixed number of cells. A cell holds the key and value of one token at one position
//! and may belong to several sequences, so a shared prompt is stored once. This module mirrors that, and nothing in it
//! touches llama.cpp: it plans, [`crate::serve`] carries out.

use std::collections::BTreeSet;

/// One sequence's part of the cache.
#[derive(Debug, Default, Clone)]
pub(crate) struct Slot {
    /// Token ids, and the cells that hold them.
    tokens: Vec<(i32, u64)>,
    /// Adapters these keys and values were computed with.
    adapters: Vec<(u32, u32)>,
    pub(crate) busy: bool,
    used_at: u64,
}

/// All slots and the cells they share.
#[derive(Debug)]
pub(crate) struct Slots {
    all: Vec<Slot>,
    cells: usize,
    next_cell: u64,
    clock: u64,
    /// False for models with recurrent state, which cannot be cut back to a prefix.
    can_share: bool,
}

/// How a prompt enters the cache: `keep` tokens are there already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) slot: usize,
    pub(crate) keep: usize,
    /// Copy the first `keep` tokens from this slot (after emptying `slot`); `None`: cut `slot` back to them.
    pub(crate) copy_from: Option<usize>,
    /// Slots to empty first, to make room.
    pub(crate) evict: Vec<usize>,
}

impl Slots {
    pub(crate) fn new(count: usize, cells: usize, can_share: bool) -> Self {
        Self { all: vec![Slot::default(); count], cells, next_cell: 0, clock: 0, can_share }
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn len_of(&self, slot: usize) -> usize {
        self.all.get(slot).map_or(0, |s| s.tokens.len())
    }

    /// Cells that hold something, each counted once.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.held(&(0..self.all.len()).collect::<Vec<_>>())
    }

    /// Cells that these slots hold, each counted once.
    pub(crate) fn held(&self, slots: &[usize]) -> usize {
        let cells = slots.iter().filter_map(|s| self.all.get(*s)).flat_map(|s| s.tokens.iter().map(|t| t.1));
        cells.collect::<BTreeSet<_>>().len()
    }

    pub(crate) fn idle(&self) -> usize {
        self.all.iter().filter(|s| !s.busy).count()
    }

    /// Takes `count` idle slots, emptied, those used longest ago first.
    pub(crate) fn claim(&mut self, count: usize, adapters: &[(u32, u32)]) -> Vec<usize> {
        let mut idle: Vec<(u64, usize)> =
            self.all.iter().enumerate().filter(|(_, s)| !s.busy).map(|(i, s)| (s.used_at, i)).collect();
        idle.sort_unstable();
        let chosen: Vec<usize> = idle.into_iter().take(count).map(|i| i.1).collect();
        for slot in &chosen {
            if let Some(slot) = self.all.get_mut(*slot) {
                *slot = Slot { adapters: adapters.to_vec(), busy: true, ..Slot::default() };
            }
        }
        chosen
    }

    /// Records that `to` was made a copy of `from`.
    pub(crate) fn copy(&mut self, from: usize, to: usize) {
        let tokens = self.all.get(from).map(|s| s.tokens.clone()).unwrap_or_default();
        if let Some(slot) = self.all.get_mut(to) {
            slot.tokens = tokens;
        }
    }

    /// How many of `prompt`'s tokens the best slot holds, and which. The last token is always computed again: its
    /// logits are needed.
    fn best(&self, prompt: &[i32], adapters: &[(u32, u32)]) -> Option<(usize, usize)> {
        if !self.can_share {
            return None;
        }
        let usable = prompt.get(..prompt.len().saturating_sub(1))?;
        let shared = |s: &Slot| {
            if s.adapters == adapters {
                s.tokens.iter().zip(usable).take_while(|(a, b)| a.0 == **b).count()
            } else {
                0
            }
        };
        let best = self.all.iter().enumerate().map(|(i, s)| (shared(s), !s.busy, i)).max()?;
        (best.0 > 0).then_some((best.2, best.0))
    }

    /// Tokens of `prompt` that are in the cache now.
    pub(crate) fn shared(&self, prompt: &[i32], adapters: &[(u32, u32)]) -> usize {
        self.best(prompt, adapters).map_or(0, |b| b.1)
    }

    /// A place for a request that will hold up to `total` tokens, if there is one now; `reserved` cells are promised
    /// to running requests and not yet in use.
    pub(crate) fn place(
        &self,
        prompt: &[i32],
        adapters: &[(u32, u32)],
        total: usize,
        reserved: usize,
    ) -> Option<Placement> {
        let (source, keep) = self.best(prompt, adapters).unzip();
        let keep = keep.unwrap_or(0);
        let idle = |i: &usize| self.all.get(*i).is_some_and(|s| !s.busy);
        let in_place = source.filter(idle).filter(|i| self.len_of(*i) - keep <= keep.max(64));
        let oldest_idle = || {
            let all = self.all.iter().enumerate().filter(|(i, s)| !s.busy && Some(*i) != source);
            all.min_by_key(|(i, s)| (!s.tokens.is_empty(), s.used_at, *i)).map(|(i, _)| i)
        };
        let slot = in_place.or_else(oldest_idle).or_else(|| source.filter(idle))?;
        let copy_from = source.filter(|s| *s != slot);
        let mut plan = Placement { slot, keep, copy_from, evict: Vec::new() };
        // What is held once the plan is carried out; evict the idle, oldest first, until the rest fits.
        let mut after = self.clone_cells();
        let shared: Vec<u64> = source
            .and_then(|s| self.all.get(s))
            .map(|s| s.tokens.iter().take(keep).map(|t| t.1).collect())
            .unwrap_or_default();
        if let Some(cells) = after.get_mut(slot) {
            *cells = shared;
        }
        let free = |after: &[Vec<u64>]| {
            let held = after.iter().flatten().collect::<BTreeSet<_>>().len();
            self.cells.saturating_sub(held + reserved)
        };
        let mut victims: Vec<usize> = (0..self.all.len()).filter(|i| idle(i) && *i != slot).collect();
        victims.sort_by_key(|i| std::cmp::Reverse((self.all.get(*i).map_or(0, |s| s.used_at), *i)));
        while free(&after) < total.saturating_sub(keep) {
            let victim = victims.pop()?;
            if let Some(cells) = after.get_mut(victim)
                && !cells.is_empty()
            {
                cells.clear();
                plan.evict.push(victim);
            }
        }
        Some(plan)
    }

    fn clone_cells(&self) -> Vec<Vec<u64>> {
        self.all.iter().map(|s| s.tokens.iter().map(|t| t.1).collect()).collect()
    }

    /// Records that `plan` was carried out and its slot is taken.
    pub(crate) fn take(&mut self, plan: &Placement, adapters: &[(u32, u32)]) {
        let kept: Vec<(i32, u64)> = self
            .all
            .get(plan.copy_from.unwrap_or(plan.slot))
            .map(|s| s.tokens.iter().take(plan.keep).copied().collect())
            .unwrap_or_default();
        for victim in &plan.evict {
            self.clear(*victim);
        }
        if let Some(slot) = self.all.get_mut(plan.slot) {
            slot.tokens = kept;
            slot.adapters = adapters.to_vec();
            slot.busy = true;
        }
    }

    /// Records tokens that a decode has put into the cache.
    pub(crate) fn extend(&mut self, slot: usize, tokens: &[i32]) {
        let first = self.next_cell;
        self.next_cell += tokens.len() as u64;
        if let Some(slot) = self.all.get_mut(slot) {
            slot.tokens.extend(tokens.iter().copied().zip(first..));
        }
    }

    /// The request of `slot` is over; what it computed stays for the next that begins alike.
    pub(crate) fn release(&mut self, slot: usize) {
        self.clock += 1;
        if let Some(s) = self.all.get_mut(slot) {
            s.busy = false;
            s.used_at = self.clock;
            if !self.can_share {
                s.tokens.clear();
            }
        }
    }

    pub(crate) fn clear(&mut self, slot: usize) {
        if let Some(s) = self.all.get_mut(slot) {
            s.tokens.clear();
        }
    }

    /// The idle slot used longest ago that holds anything.
    pub(crate) fn oldest_idle(&self) -> Option<usize> {
        let held = self.all.iter().enumerate().filter(|(_, s)| !s.busy && !s.tokens.is_empty());
        held.min_by_key(|(i, s)| (s.used_at, *i)).map(|(i, _)| i)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONE: &[(u32, u32)] = &[];

    fn run(slots: &mut Slots, prompt: &[i32], total: usize) -> Option<Placement> {
        let plan = slots.place(prompt, NONE, total, 0)?;
        slots.take(&plan, NONE);
        slots.extend(plan.slot, &prompt[plan.keep..]);
        Some(plan)
    }

    #[test]
    fn the_next_sentence_reuses_the_examples_in_place() {
        let mut s = Slots::new(4, 100, true);
        let a = run(&mut s, &[1, 2, 3, 4, 10], 20).unwrap();
        assert_eq!((a.slot, a.keep), (0, 0));
        s.release(0);
        let b = run(&mut s, &[1, 2, 3, 4, 11], 20).unwrap();
        assert_eq!((b.slot, b.keep, b.copy_from), (0, 4, None));
        assert_eq!(s.used(), 5);
    }

    #[test]
    fn a_busy_slot_lends_its_prefix_without_new_cells() {
        let mut s = Slots::new(4, 100, true);
        run(&mut s, &[1, 2, 3, 10], 20).unwrap();
        let b = run(&mut s, &[1, 2, 3, 11], 20).unwrap();
        assert_eq!((b.slot, b.keep, b.copy_from), (1, 3, Some(0)));
        assert_eq!(s.used(), 5);
    }

    #[test]
    fn the_last_token_is_always_computed() {
        let mut s = Slots::new(2, 100, true);
        run(&mut s, &[1, 2, 3], 10).unwrap();
        s.release(0);
        assert_eq!(run(&mut s, &[1, 2, 3], 10).unwrap().keep, 2);
    }

    #[test]
    fn other_adapters_share_nothing() {
        let mut s = Slots::new(2, 100, true);
        run(&mut s, &[1, 2, 3], 10).unwrap();
        s.release(0);
        assert_eq!(s.place(&[1, 2, 3], &[(0, 1)], 10, 0).unwrap().keep, 0);
    }

    #[test]
    fn old_sequences_make_room() {
        let mut s = Slots::new(3, 20, true);
        for first in [1, 2] {
            let p = run(&mut s, &[first, 7, 7, 7, 7, 7, 7, 7], 8).unwrap();
            s.release(p.slot);
        }
        let plan = s.place(&[3; 10], NONE, 10, 0).unwrap();
        assert_eq!((plan.slot, plan.evict.as_slice()), (2, &[0][..]));
        assert!(s.place(&[3; 10], NONE, 20, 1).is_none());
    }

    proptest! {
        #[test]
        fn cells_are_never_overbooked(ops in prop::collection::vec((0u8..4, 0i32..3, 1usize..12, 0usize..8), 1..60)) {
            let mut s = Slots::new(3, 24, true);
            let mut running: Vec<(usize, usize)> = Vec::new();
            for (op, first, len, extra) in ops {
                if op == 0 && !running.is_empty() {
                    let (slot, _) = running.remove(0);
                    s.release(slot);
                    continue;
                }
                let prompt: Vec<i32> = (0..len as i32).map(|i| first + i / 4).collect();
                let total = len + extra;
                let reserved: usize = running.iter().map(|(slot, total)| total - s.len_of(*slot)).sum();
                if let Some(plan) = s.place(&prompt, NONE, total, reserved) {
                    s.take(&plan, NONE);
                    s.extend(plan.slot, &prompt[plan.keep..]);
                    running.push((plan.slot, total));
                }
                let reserved: usize = running.iter().map(|(slot, total)| total - s.len_of(*slot)).sum();
                prop_assert!(s.used() + reserved <= 24);
            }
        }

        #[test]
        fn an_idle_cache_takes_whatever_fits(prompts in prop::collection::vec((0i32..3, 1usize..24), 1..30)) {
            let mut s = Slots::new(3, 24, true);
            for (first, len) in prompts {
                let prompt: Vec<i32> = (0..len as i32).map(|i| first + i / 8).collect();
                let plan = run(&mut s, &prompt, 24);
                prop_assert!(plan.is_some());
                s.release(plan.unwrap().slot);
            }
        }
    }
}
