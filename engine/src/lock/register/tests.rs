//! Leases as plain data.

use std::time::Duration;

use proptest::prelude::*;

use super::super::samples::{run, run_on};
use super::super::{Breaking, Holder, LockError};
use super::{Lost, Register, Term};

const MINUTE: Duration = Duration::from_secs(60);

fn breaking(which: Option<&str>) -> Breaking {
    Breaking {
        which: which.map(str::to_owned),
        by: "eve on ops2".into(),
        reason: "it hangs".into(),
        at: "2026-03-01T11:00:00Z".parse().expect("a time"),
    }
}

fn runs(holders: Result<u64, Vec<Holder>>) -> Result<u64, String> {
    holders.map_err(|holders| holders.iter().map(|holder| &*holder.run).collect::<Vec<_>>().join(","))
}

#[test]
fn a_run_gets_everything_or_nothing_and_a_greater_number_each_time() {
    let mut register = Register::default();
    let mut acquire = |holder: &Holder| runs(register.acquire(holder, None));
    assert_eq!(acquire(&run_on("one", "prod", "ab")), Ok(1));
    assert_eq!(acquire(&run_on("two", "prod", "cd")), Ok(2));
    assert_eq!(acquire(&run_on("three", "prod", "bce")), Err("one,two".into()));
    assert_eq!(acquire(&run("four", "prod")), Err("one,two".into()));
    assert_eq!(acquire(&run("five", "test")), Ok(3));
    assert_eq!(acquire(&run_on("six", "prod", "e")), Ok(4), "a refusal leaves nothing behind");
    assert_eq!(acquire(&run_on("one", "prod", "ab")), Ok(1), "the answer was lost, and it asks again");
    let resumed = Holder { owner: "again".into(), ..run_on("one", "prod", "ab") };
    assert_eq!(acquire(&resumed), Err("one".into()), "a run that goes on is not resumed beside itself");
    register.release(3);
    assert_eq!(runs(register.acquire(&run("seven", "test"), None)), Ok(5), "no number comes again");
}

#[test]
fn a_lease_is_extended_where_the_others_let_it() {
    let mut register = Register::default();
    let fence = register.acquire(&run_on("one", "prod", "a"), None).expect("free");
    register.acquire(&run_on("two", "prod", "b"), None).expect("free");
    let extended = |register: &mut Register, hosts: &str| {
        let answer = register.extend(&run_on("one", "prod", hosts), fence, None);
        answer.map(|answer| answer.map_err(|holders| holders.len()))
    };
    assert_eq!(extended(&mut register, "bc"), Ok(Err(1)));
    assert_eq!(extended(&mut register, "c"), Ok(Ok(())));
    assert_eq!(runs(register.acquire(&run_on("three", "prod", "c"), None)), Err("one".into()));
    register.release(fence);
    assert_eq!(extended(&mut register, "d"), Err(Lost::Gone), "it gets no new lease by that");
    assert_eq!(register.leases.len(), 1);
}

#[test]
fn a_lease_ends_with_its_time_and_says_who_took_it() {
    let mut register = Register::default();
    let at = |seconds: u64| Duration::from_secs(1_000 + seconds);
    let one = run("one", "prod");
    let fence = register.acquire(&one, Some(Term::new(at(0), MINUTE))).expect("free");
    register.sweep(at(59), |_| false);
    assert_eq!(register.renew(&one, fence, Some(Term::new(at(59), MINUTE))), Ok(()));
    register.sweep(at(118), |_| false);
    assert_eq!(register.holders().len(), 1);
    register.sweep(at(119), |_| false);
    assert_eq!(register.renew(&one, fence, None), Err(Lost::Gone));
    register.acquire(&run("two", "prod"), None).expect("free");
    let lost = register.renew(&one, fence, None).expect_err("taken");
    assert!(lost.to_string().starts_with("another run has it: ada on ops1"), "{lost}");
}

#[test]
fn a_clock_that_is_set_back_freezes_no_lease_for_longer_than_its_time() {
    let mut register = Register::default();
    let before = Duration::from_secs(1_000_000);
    register.acquire(&run("one", "prod"), Some(Term::new(before, MINUTE))).expect("free");
    let back = Duration::from_secs(5_000);
    register.sweep(back, |_| false);
    assert_eq!(register.holders().len(), 1, "it may be alive: it is not free");
    register.sweep(back + Duration::from_secs(59), |_| false);
    assert_eq!(register.holders().len(), 1);
    register.sweep(back + MINUTE, |_| false);
    assert!(register.holders().is_empty());
}

#[test]
fn a_lock_is_broken_by_its_environment_its_hosts_or_its_run() {
    let long = "0197a0b1-1111";
    let table = [
        (None, vec![], Err("no lock of that name is held")),
        (None, vec![run("a", "prod")], Ok(1)),
        (None, vec![run("a", "prod"), run("b", "test")], Err("2 locks are held, and none of them is named")),
        (Some("prod"), vec![run("a", "prod"), run("b", "test")], Ok(1)),
        (Some("prod"), vec![run_on("a", "prod", "x"), run_on("b", "prod", "y")], Ok(2)),
        (Some("y"), vec![run_on("a", "prod", "xz"), run_on("b", "prod", "yz")], Ok(0)),
        (Some("y"), vec![run_on("a", "prod", "x"), run_on("b", "prod", "yz")], Ok(1)),
        (Some("0197a0b1"), vec![run(long, "prod")], Ok(1)),
        (Some("0197"), vec![run(long, "prod")], Err("no lock of that name is held")),
        (Some("prd"), vec![run("a", "prod")], Err("no lock of that name is held")),
    ];
    for (which, holders, expected) in table {
        let mut register = Register::default();
        let all = holders.iter().all(|holder| register.acquire(holder, None).is_ok());
        let broken = register.break_locks(&breaking(which)).map(|broken| broken.len());
        let broken = broken.map_err(|error: LockError| error.to_string());
        if all {
            assert_eq!(broken, expected.map_err(str::to_owned), "{which:?}");
        }
    }
}

#[test]
fn a_broken_lock_is_free_and_its_holder_learns_why() {
    let mut register = Register::default();
    let one = run("one", "prod");
    let fence = register.acquire(&one, None).expect("free");
    register.break_locks(&breaking(None)).expect("broken");
    register.acquire(&run("two", "prod"), None).expect("free");
    let lost = register.renew(&one, fence, None).expect_err("broken");
    assert_eq!(lost.to_string(), "eve on ops2 broke it at 2026-03-01T11:00:00Z: it hangs");
    assert_eq!(register.breaks[0].holder.run, "one");
    for number in 0..250 {
        register.break_locks(&breaking(None)).expect("broken");
        register.acquire(&run(&format!("run{number}"), "prod"), None).expect("free");
    }
    assert_eq!((register.breaks.len(), register.breaks[99].holder.run.as_str()), (100, "run248"));
}

#[test]
fn it_is_read_as_it_was_written_and_nothing_else_is() {
    let mut register = Register::default();
    register.acquire(&run_on("one", "prod", "ab"), Some(Term::new(MINUTE, MINUTE))).expect("free");
    register.break_locks(&breaking(None)).expect("broken");
    register.acquire(&run("two", "prod"), None).expect("free");
    let text = register.text().expect("a text");
    assert_eq!(Register::parse(&text).expect("a register"), register);
    assert_eq!(Register::parse(" \n").expect("nothing yet"), Register::default());
    let error = |text: &str| Register::parse(text).expect_err("no register").to_string();
    assert_eq!(
        error(&text.replace("\"format\":1", "\"format\":2")),
        "it is of format 2, which this version of oneex does not know"
    );
    for damaged in ["{", "[]", &text[..text.len() / 2], "{\"format\":1}", "\0\0\0"] {
        assert!(error(damaged).starts_with("what it holds is damaged: "), "{damaged}");
    }
}

/// What happens to a register.
#[derive(Debug, Clone)]
enum Event {
    /// A run asks for an environment, or for hosts of it.
    Ask(usize, bool, Vec<u8>),
    Renew(usize),
    Release(usize),
    Break(bool),
    Pass(u64),
    Die(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let hosts = proptest::collection::vec(0..4_u8, 0..3);
    prop_oneof![
        4 => (0..4_usize, any::<bool>(), hosts).prop_map(|(run, prod, hosts)| Event::Ask(run, prod, hosts)),
        2 => (0..4_usize).prop_map(Event::Renew),
        1 => (0..4_usize).prop_map(Event::Release),
        1 => any::<bool>().prop_map(Event::Break),
        2 => (0..40_u64).prop_map(Event::Pass),
        1 => (0..4_usize).prop_map(Event::Die),
    ]
}

proptest! {
    /// Whatever happens: no two leases meet, numbers grow, and a run that believes in its lease is right.
    #[test]
    fn nobody_is_in_anybodys_way(events in proptest::collection::vec(event(), 1..60)) {
        let (mut register, mut now, mut newest) = (Register::default(), Duration::from_secs(1_000), 0);
        // What the runs themselves believe: the lease, until when.
        let mut believed: [Option<(u64, Holder, Duration)>; 4] = Default::default();
        let mut dead: Vec<String> = Vec::new();
        let mut generation = 0;
        for event in events {
            register.sweep(now, |entry| dead.contains(&entry.holder.run));
            let term = Some(Term::new(now, MINUTE));
            match event {
                Event::Ask(number, prod, hosts) if believed[number].is_none() => {
                    generation += 1;
                    let environment = if prod { "prod" } else { "test" };
                    let id = format!("run-{generation}");
                    let names: String = hosts.iter().map(|host| char::from(b'a' + host)).collect();
                    let holder = if names.is_empty() { run(&id, environment) } else { run_on(&id, environment, &names) };
                    let blocked = register.holders().iter().any(|other| other.scope.meets(&holder.scope));
                    match register.acquire(&holder, term) {
                        Ok(fence) => {
                            prop_assert!(!blocked && fence > newest);
                            newest = fence;
                            believed[number] = Some((fence, holder, now + MINUTE));
                        }
                        Err(others) => prop_assert!(blocked && !others.is_empty()),
                    }
                }
                Event::Renew(number) => if let Some((fence, holder, until)) = &mut believed[number] {
                    match register.renew(holder, *fence, term) {
                        Ok(()) => *until = now + MINUTE,
                        Err(_) => believed[number] = None,
                    }
                },
                Event::Release(number) => if let Some((fence, ..)) = believed[number].take() {
                    register.release(fence);
                },
                Event::Break(prod) => {
                    let name = if prod { "prod" } else { "test" };
                    for broken in register.break_locks(&breaking(Some(name))).unwrap_or_default() {
                        // Its holder learns of it with the next renewal; from here on it is a stale owner.
                        let owner = believed.iter_mut().find(|own| own.as_ref().is_some_and(|own| own.0 == broken.fence));
                        if let Some(own) = owner {
                            let (fence, holder, _) = own.take().expect("an owner");
                            prop_assert!(matches!(register.renew(&holder, fence, term), Err(Lost::Broken(_))));
                        }
                    }
                }
                Event::Pass(seconds) => now += Duration::from_secs(seconds),
                Event::Die(number) => if let Some((_, holder, _)) = believed[number].take() {
                    dead.push(holder.run);
                },
                Event::Ask(..) => {}
            }
            for (index, one) in register.leases.iter().enumerate() {
                let others = &register.leases[index + 1..];
                prop_assert!(others.iter().all(|other| !other.holder.scope.meets(&one.holder.scope)));
            }
            for (fence, ..) in believed.iter().flatten().filter(|(.., until)| *until > now) {
                prop_assert!(register.leases.iter().any(|entry| entry.fence == *fence), "a lease was taken too early");
            }
        }
    }
}
