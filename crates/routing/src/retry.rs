//! Whether a target is asked again, and after how long.

use std::time::Duration;

/// What is tried again where the config has no list (contract 3.4).
const STATUSES: [u16; 6] = [429, 500, 502, 503, 504, 529];

/// The longest that a provider may ask for, once and in all: past that its answer is passed on (contract 3.4).
const MAX_TOLD: Duration = Duration::from_mins(1);

/// What a config says of retries; the default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// 0 to 5, beside the first request.
    pub attempts: u8,
    pub on_status: Option<Vec<u16>>,
    /// A provider that says when to come back is believed.
    pub use_retry_after: bool,
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is the target's.
    Take,
    /// It is the target's, for want of another try: its retries failed.
    GiveUp,
    /// The target is asked again after this long.
    After(Duration),
}

/// The retries of one call to one target.
#[derive(Debug)]
pub struct Pauses<'a> {
    retry: &'a Retry,
    base: Duration,
    made: u8,
    told: Duration,
}

impl Retry {
    /// Whether such an answer is to be tried again; no status: there was none, but for a time-out, which is 408.
    #[must_use]
    pub fn wants(&self, status: Option<u16>) -> bool {
        match (status, &self.on_status) {
            (None, _) => true,
            (Some(status), Some(on)) => on.contains(&status),
            (Some(status), None) => STATUSES.contains(&status),
        }
    }

    /// Begins to count; the first pause is of `base`.
    #[must_use]
    pub fn pauses(&self, base: Duration) -> Pauses<'_> {
        Pauses { retry: self, base, made: 0, told: Duration::ZERO }
    }
}

impl Pauses<'_> {
    /// The retries so far.
    #[must_use]
    pub fn made(&self) -> u8 {
        self.made
    }

    /// What follows an answer of `status`, none where there was none. `told`: when to come back, as the provider says. `left`: of the
    /// time that the call has. `jitter`, from 0 to below 1, shortens a pause by up to a half, so that callers who failed together do
    /// not come back together.
    pub fn next(&mut self, status: Option<u16>, told: Option<Duration>, jitter: f64, left: Duration) -> Next {
        if self.retry.attempts == 0 || !self.retry.wants(status) {
            return Next::Take;
        }
        if self.made >= self.retry.attempts {
            return Next::GiveUp;
        }
        let told = told.filter(|_| self.retry.use_retry_after && status == Some(429));
        let pause = if let Some(told) = told {
            // A provider may name any number.
            self.told = self.told.saturating_add(told);
            if told >= MAX_TOLD || self.told > MAX_TOLD {
                return Next::GiveUp;
            }
            told
        } else {
            let longest = self.base.saturating_mul(2_u32.pow(self.made.into()));
            longest.saturating_sub((longest / 2).mul_f64(jitter.clamp(0.0, 1.0)))
        };
        if pause >= left {
            return Next::GiveUp;
        }
        self.made += 1;
        Next::After(pause)
    }
}

/// When to come back, as the headers of an answer say: the first that can be read of `retry-after-ms`, `x-ms-retry-after-ms` and
/// `retry-after` (seconds, or a date: RFC 9110, 10.2.3). `header` gives the text of one by its name.
pub fn retry_after<'h>(header: impl Fn(&str) -> Option<&'h str>, now_s: i64) -> Option<Duration> {
    let millis = |name| header(name)?.trim().parse().ok().map(Duration::from_millis);
    let seconds = || {
        let text = header("retry-after")?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = chrono::DateTime::parse_from_rfc2822(text).ok()?.timestamp();
        Some(Duration::from_secs(u64::try_from(at.saturating_sub(now_s)).unwrap_or(0)))
    };
    millis("retry-after-ms").or_else(|| millis("x-ms-retry-after-ms")).or_else(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(attempts: u8, on: Option<&[u16]>, use_retry_after: bool) -> Retry {
        Retry { attempts, on_status: on.map(<[u16]>::to_vec), use_retry_after }
    }

    #[test]
    fn statuses_of_the_default_list_and_failures_of_the_network_are_tried_again() {
        let default = retry(1, None, false);
        for (status, wanted) in
            [(429, true), (500, true), (529, true), (408, false), (400, false), (200, false)]
        {
            assert_eq!(default.wants(Some(status)), wanted, "{status}");
        }
        assert!(default.wants(None));
        let own = retry(1, Some(&[418]), false);
        assert!(own.wants(Some(418)) && own.wants(None) && !own.wants(Some(500)));
    }

    #[test]
    fn pauses_double_and_end() {
        let retry = retry(3, None, false);
        let mut pauses = retry.pauses(Duration::from_secs(1));
        let mut next = |status, jitter| pauses.next(Some(status), None, jitter, Duration::MAX);
        assert_eq!(next(500, 0.0), Next::After(Duration::from_secs(1)));
        assert_eq!(next(500, 1.0), Next::After(Duration::from_secs(1)));
        assert_eq!(next(200, 0.0), Next::Take);
        assert_eq!(next(500, 0.5), Next::After(Duration::from_secs(3)));
        assert_eq!(next(500, 0.0), Next::GiveUp);
    }

    #[test]
    fn a_provider_that_says_when_is_believed_up_to_a_minute() {
        let after = |s| Some(Duration::from_secs(s));
        let (believing, doubting) = (retry(5, None, true), retry(5, None, false));
        let mut pauses = believing.pauses(Duration::from_secs(1));
        assert_eq!(
            pauses.next(Some(429), after(30), 0.0, Duration::MAX),
            Next::After(Duration::from_secs(30))
        );
        assert_eq!(
            pauses.next(Some(503), after(30), 0.0, Duration::MAX),
            Next::After(Duration::from_secs(2))
        );
        assert_eq!(pauses.next(Some(429), after(31), 0.0, Duration::MAX), Next::GiveUp, "a minute in all");
        assert_eq!(
            believing.pauses(Duration::ZERO).next(Some(429), after(60), 0.0, Duration::MAX),
            Next::GiveUp
        );
        let mut pauses = believing.pauses(Duration::ZERO);
        assert_eq!(pauses.next(Some(429), after(1), 0.0, Duration::MAX), Next::After(Duration::from_secs(1)));
        assert_eq!(pauses.next(Some(429), after(u64::MAX), 0.0, Duration::MAX), Next::GiveUp);
        let first = doubting.pauses(Duration::from_secs(1)).next(Some(429), after(30), 0.0, Duration::MAX);
        assert_eq!(first, Next::After(Duration::from_secs(1)));
    }

    #[test]
    fn a_pause_that_takes_all_of_the_time_left_is_not_made() {
        let retry = retry(5, None, false);
        let left = Duration::from_millis(900);
        assert_eq!(retry.pauses(Duration::from_secs(1)).next(None, None, 0.0, left), Next::GiveUp);
    }

    #[test]
    fn headers_say_when_in_milliseconds_seconds_or_by_a_date() {
        const NOW: i64 = 1_445_412_470;
        type Headers = &'static [(&'static str, &'static str)];
        let cases: [(Headers, Option<u64>); 7] = [
            (&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(1500)),
            (&[("x-ms-retry-after-ms", "20")], Some(20)),
            (&[("retry-after-ms", "soon"), ("retry-after", " 2 ")], Some(2000)),
            (&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], Some(10_000)),
            (&[("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT")], Some(0)),
            (&[("retry-after", "-1")], None),
            (&[], None),
        ];
        for (headers, expected) in cases {
            let header = |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
            assert_eq!(retry_after(header, NOW), expected.map(Duration::from_millis), "{headers:?}");
        }
    }
}
