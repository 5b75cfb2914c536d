//! Nested ranges, flattened: which is the innermost range around a point takes one binary search.

/// No range.
const NONE: u32 = u32::MAX;

/// A number of which ranges are made.
pub(crate) trait Point: Copy + Ord {
    const MIN: Self;
    fn next(self) -> Option<Self>;
}

impl Point for u16 {
    const MIN: Self = 0;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Point for u128 {
    const MIN: Self = 0;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// A range, both ends included, and the number by which it is known.
#[derive(Clone, Copy)]
pub(crate) struct Span<P> {
    pub(crate) first: P,
    pub(crate) last: P,
    pub(crate) id: u32,
}

/// The line of all points, cut wherever the innermost range changes.
#[derive(Clone, Debug)]
pub(crate) struct Nest<P> {
    starts: Vec<P>,
    owners: Vec<u32>,
}

impl<P: Point> Nest<P> {
    /// From ranges of which any two are apart or one inside the other, sorted by start and, where that is the
    /// same, the outer one first. `on_enter` is told the id of each range and that of the range around it.
    pub(crate) fn new(spans: impl Iterator<Item = Span<P>>, mut on_enter: impl FnMut(u32, Option<u32>)) -> Self {
        let mut nest = Self { starts: Vec::new(), owners: Vec::new() };
        nest.cut(P::MIN, NONE);
        let mut open: Vec<Span<P>> = Vec::new();
        for span in spans {
            nest.close(&mut open, |last| last < span.first);
            on_enter(span.id, open.last().map(|outer| outer.id));
            nest.cut(span.first, span.id);
            open.push(span);
        }
        nest.close(&mut open, |_| true);
        nest.starts.shrink_to_fit();
        nest.owners.shrink_to_fit();
        nest
    }

    /// Ends the innermost open ranges for as long as their last point is `over`.
    fn close(&mut self, open: &mut Vec<Span<P>>, over: impl Fn(P) -> bool) {
        while let Some(inner) = open.pop_if(|span| over(span.last)) {
            if let Some(after) = inner.last.next() {
                self.cut(after, open.last().map_or(NONE, |outer| outer.id));
            }
        }
    }

    fn cut(&mut self, at: P, owner: u32) {
        match (self.starts.last(), self.owners.last_mut()) {
            (Some(&start), Some(last)) if start == at => *last = owner,
            _ => {
                self.starts.push(at);
                self.owners.push(owner);
            }
        }
    }

    /// The innermost range around a point.
    pub(crate) fn find(&self, point: P) -> Option<u32> {
        let after = self.starts.partition_point(|&start| start <= point);
        let owner = *self.owners.get(after.checked_sub(1)?)?;
        (owner != NONE).then_some(owner)
    }
}
