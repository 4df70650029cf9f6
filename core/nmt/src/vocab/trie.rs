//! A compact trie over the pieces of a vocabulary: children of a node lie next to each other, sorted by byte.
//!
//! 32,000 pieces make about 80,000 nodes of 12 bytes: under 1 MB, built in milliseconds, against 3 MB for a hash map
//! of strings that would have to be asked once for every length at every place.

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Children are `first..first + count` of the node list.
    first: u32,
    count: u16,
    byte: u8,
    /// Number of the piece that ends here, or `NONE`.
    piece: u32,
}

const NONE: u32 = u32::MAX;

/// A trie of byte strings with a number each.
#[derive(Debug)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
}

/// Walks down from the root, one byte at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk<'a> {
    trie: &'a Trie,
    node: Node,
}

impl Trie {
    /// Builds from distinct, non-empty keys.
    pub(crate) fn new(keys: &[(&[u8], u32)]) -> Self {
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        let mut nodes = vec![Node { first: 0, count: 0, byte: 0, piece: NONE }];
        // Breadth first, so that the children of a node are pushed together.
        let mut queue = std::collections::VecDeque::from([(0usize, sorted.as_slice(), 0usize)]);
        while let Some((at, mut rest, depth)) = queue.pop_front() {
            if let Some(&(key, piece)) = rest.first().filter(|(key, _)| key.len() == depth) {
                debug_assert_eq!(key.len(), depth);
                if let Some(node) = nodes.get_mut(at) {
                    node.piece = piece;
                }
                rest = rest.get(1..).unwrap_or_default();
            }
            let first = nodes.len() as u32;
            let mut count = 0u16;
            for group in rest.chunk_by(|a, b| a.0.get(depth) == b.0.get(depth)) {
                let byte = group.first().and_then(|(key, _)| key.get(depth)).copied().unwrap_or_default();
                queue.push_back((nodes.len(), group, depth + 1));
                nodes.push(Node { first: 0, count: 0, byte, piece: NONE });
                count += 1;
            }
            if let Some(node) = nodes.get_mut(at) {
                (node.first, node.count) = (first, count);
            }
        }
        Self { nodes }
    }

    /// A walk that stands at the root.
    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk { trie: self, node: *self.nodes.first().expect("the root is always there") }
    }

    /// The number of exactly this key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<u32> {
        let mut walk = self.walk();
        key.iter().all(|&byte| walk.step(byte)).then(|| walk.piece()).flatten()
    }

    /// Length of the longest key that starts `text`.
    pub(crate) fn longest(&self, text: &[u8]) -> Option<usize> {
        let mut walk = self.walk();
        let mut best = None;
        for (at, &byte) in text.iter().enumerate() {
            if !walk.step(byte) {
                break;
            }
            if walk.piece().is_some() {
                best = Some(at + 1);
            }
        }
        best
    }
}

impl Walk<'_> {
    /// Goes down by one byte; false when no key continues this way.
    pub(crate) fn step(&mut self, byte: u8) -> bool {
        let first = self.node.first as usize;
        let children = self.trie.nodes.get(first..first + self.node.count as usize).unwrap_or_default();
        let found =
            children.binary_search_by_key(&byte, |node| node.byte).ok().and_then(|at| children.get(at));
        if let Some(&node) = found {
            self.node = node;
        }
        found.is_some()
    }

    /// The key that ends here.
    pub(crate) fn piece(&self) -> Option<u32> {
        (self.node.piece != NONE).then_some(self.node.piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_and_nothing_else() {
        let keys: [(&[u8], u32); 4] = [(b"ab", 7), (b"a", 1), (b"abcd", 9), (b"b", 0)];
        let trie = Trie::new(&keys);
        for (key, number) in keys {
            assert_eq!(trie.get(key), Some(number));
        }
        assert_eq!((trie.get(b"abc"), trie.get(b""), trie.get(b"c")), (None, None, None));
        assert_eq!(
            (trie.longest(b"abcx"), trie.longest(b"abcdx"), trie.longest(b"x")),
            (Some(2), Some(4), None)
        );
        assert_eq!(Trie::new(&[]).longest(b"a"), None);
    }
}
