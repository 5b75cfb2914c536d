//! Medians and quartiles, and how one subject compares with another that was measured in turns with it.

use serde::Serialize;

/// What is told of many measurements of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) median: f64,
    pub(super) lower_quartile: f64,
    pub(super) upper_quartile: f64,
    pub(super) samples: usize,
}

impl Summary {
    /// Of these measurements in any order; `None` where there are none, or one of them is no number.
    pub(super) fn of(samples: &[f64]) -> Option<Self> {
        if samples.is_empty() || samples.iter().any(|sample| !sample.is_finite()) {
            return None;
        }
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5),
            lower_quartile: quantile(&sorted, 0.25),
            upper_quartile: quantile(&sorted, 0.75),
            samples: sorted.len(),
        })
    }

    /// Of `of(subject, baseline)` in each round: what disturbed the whole round counts for neither.
    pub(super) fn paired(subject: &[f64], baseline: &[f64], of: impl Fn(f64, f64) -> f64) -> Option<Self> {
        let pairs: Vec<f64> = subject.iter().zip(baseline).map(|(subject, baseline)| of(*subject, *baseline)).collect();
        Self::of(&pairs)
    }
}

/// Between the two nearest ranks in a straight line, as R and NumPy do unless told otherwise.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    below + (above - below) * rank.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[f64]) -> (f64, f64, f64) {
        let summary = Summary::of(samples).expect("numbers");
        assert_eq!(summary.samples, samples.len());
        (summary.lower_quartile, summary.median, summary.upper_quartile)
    }

    #[test]
    fn quartiles_are_those_of_other_tools() {
        assert_eq!(of(&[7.0]), (7.0, 7.0, 7.0));
        assert_eq!(of(&[2.0, 1.0]), (1.25, 1.5, 1.75));
        assert_eq!(of(&[5.0, 1.0, 4.0, 2.0, 3.0]), (2.0, 3.0, 4.0));
        // numpy.percentile([1, 2, 4, 8, 16, 32], [25, 50, 75])
        assert_eq!(of(&[32.0, 1.0, 16.0, 2.0, 8.0, 4.0]), (2.5, 6.0, 14.0));
    }

    #[test]
    fn an_outlier_moves_no_median() {
        let mut samples: Vec<f64> = (0..101).map(f64::from).collect();
        let calm = of(&samples);
        samples[100] = 1e12;
        assert_eq!(of(&samples), calm);
    }

    #[test]
    fn what_is_no_measurement_has_no_summary() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[1.0, f64::NAN]), None);
        assert_eq!(Summary::paired(&[1.0], &[0.0], |subject, baseline| subject / baseline), None);
    }

    #[test]
    fn rounds_are_compared_one_by_one() {
        // The machine slows down tenfold half-way; the subject costs one and a half of the baseline all the same.
        let baseline = [2.0, 2.0, 20.0, 20.0];
        let subject = [3.0, 3.0, 30.0, 30.0];
        let ratio = Summary::paired(&subject, &baseline, |subject, baseline| subject / baseline).expect("numbers");
        assert_eq!((ratio.lower_quartile, ratio.median, ratio.upper_quartile), (1.5, 1.5, 1.5));
    }
}
