//! The laws of locks, held by each store of them for real: in a folder, and in PostgreSQL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use oneex_engine::lock::{
    Attempt, Breaking, Clock, Holder, Keeper, Lease, LocalLocks, LockStore, Lost, RenewError, Scope,
    SharedLocks,
};
use oneex_engine::run::{Guard, Refusal};
use oneex_modules::postgres::{PostgresSettings, PostgresText};
use oneex_sdk::{BoxFuture, OpResult, Secret, SharedReading, SharedText};
use oneex_testkit::PostgresServer;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const MINUTE: Duration = Duration::from_secs(60);

/// A clock that the test sets, in seconds.
#[derive(Clone, Default)]
struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn add(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn offset(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        Duration::from_secs((1_000_000 + self.offset()).unsigned_abs())
    }
}

/// The server's text, with a clock that the test sets.
struct WithClock(PostgresText, TestClock);

impl SharedText for WithClock {
    fn place(&self) -> String {
        self.0.place()
    }

    fn read(&self) -> BoxFuture<'_, OpResult<SharedReading>> {
        Box::pin(async {
            let reading = self.0.read().await?;
            Ok(SharedReading { now: self.1.now(), ..reading })
        })
    }

    fn write<'a>(&'a self, text: &'a str, after: &'a SharedReading) -> BoxFuture<'a, OpResult<bool>> {
        self.0.write(text, after)
    }
}

fn text(server: &PostgresServer, name: &str) -> PostgresText {
    let settings = PostgresSettings {
        url: Secret::new(server.url()),
        password: Some(Secret::new(PostgresServer::PASSWORD.to_owned())),
        ca_file: Some(server.ca_file()),
    };
    PostgresText::new(settings, name).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn holder(run: &str, environment: &str, hosts: &str) -> Holder {
    let scope = match hosts {
        "" => Scope::environment(Some(environment)),
        hosts => Scope::hosts(Some(environment), hosts.chars().map(String::from)),
    };
    Holder {
        run: run.to_owned(),
        owner: run.to_owned(),
        name: "deploy".to_owned(),
        user: "ada".to_owned(),
        machine: "ops1".to_owned(),
        process: 7,
        job: None,
        since: "2026-03-01T10:00:00Z".parse().unwrap(),
        scope,
        expires: None,
    }
}

/// A store as one process sees it, which may die without a word.
trait World {
    /// The store of a process of its own.
    fn process(&self) -> Arc<dyn LockStore>;
    /// Time passes.
    fn pass(&self, seconds: u32);
    /// A lock of a dead process is free at once; elsewhere when its time is over.
    fn frees_the_dead_at_once(&self) -> bool;
}

struct Folder(tempfile::TempDir);

impl World for Folder {
    fn process(&self) -> Arc<dyn LockStore> {
        Arc::new(LocalLocks::new(self.0.path()))
    }

    fn pass(&self, _: u32) {}

    fn frees_the_dead_at_once(&self) -> bool {
        true
    }
}

struct Database<'a>(&'a PostgresServer, String, TestClock);

impl World for Database<'_> {
    fn process(&self) -> Arc<dyn LockStore> {
        let text = WithClock(text(self.0, &self.1), self.2.clone());
        Arc::new(SharedLocks::new(Arc::new(text), MINUTE))
    }

    fn pass(&self, seconds: u32) {
        self.2.add(i64::from(seconds));
    }

    fn frees_the_dead_at_once(&self) -> bool {
        false
    }
}

#[derive(Debug, Clone)]
enum Event {
    Ask(usize, &'static str, &'static str),
    Extend(usize, &'static str),
    Renew(usize),
    Release(usize),
    Die(usize),
    Break(&'static str),
    Pass(u32),
}

fn event() -> impl Strategy<Value = Event> {
    let environment = prop_oneof![Just("prod"), Just("test")];
    let hosts = prop_oneof![Just(""), Just("a"), Just("b"), Just("ab"), Just("bc")];
    let who = 0..3_usize;
    prop_oneof![
        5 => (who.clone(), environment.clone(), hosts.clone()).prop_map(|(who, env, hosts)| Event::Ask(who, env, hosts)),
        1 => (who.clone(), prop_oneof![Just("a"), Just("c"), Just("d")]).prop_map(|(who, host)| Event::Extend(who, host)),
        2 => who.clone().prop_map(Event::Renew),
        2 => who.clone().prop_map(Event::Release),
        2 => who.prop_map(Event::Die),
        1 => environment.prop_map(Event::Break),
        2 => (1..70_u32).prop_map(Event::Pass),
    ]
}

/// A lease as the model has it.
struct Held {
    scope: Scope,
    /// Seconds until it ends, where that depends on time.
    left: u32,
    is_dead: bool,
}

/// Each process with its lease, and the model: what is held, by the number of the lease.
struct Model<'a> {
    world: &'a dyn World,
    processes: Vec<(Arc<dyn LockStore>, Option<Lease>)>,
    held: BTreeMap<u64, Held>,
    broken: Vec<u64>,
    newest: u64,
    runs: u32,
}

impl<'a> Model<'a> {
    fn new(world: &'a dyn World) -> Self {
        let processes = (0..3).map(|_| (world.process(), None)).collect();
        Self { world, processes, held: BTreeMap::new(), broken: Vec::new(), newest: 0, runs: 0 }
    }

    fn is_free(&self, scope: &Scope, own: Option<u64>) -> bool {
        self.held.iter().all(|(fence, held)| Some(*fence) == own || !held.scope.meets(scope))
    }

    fn sweep(&mut self) {
        let at_once = self.world.frees_the_dead_at_once();
        // A lease of the living is renewed where it is asked for, even late; it ends when others ask.
        self.held.retain(|_, held| if at_once { !held.is_dead } else { held.left > 0 });
    }

    async fn follow(&mut self, event: Event) {
        match event {
            Event::Ask(who, environment, hosts) if self.processes[who].1.is_none() => {
                self.runs += 1;
                let wanted = holder(&format!("run-{}", self.runs), environment, hosts);
                self.sweep();
                let answer = self.processes[who].0.acquire(&wanted).await.unwrap();
                match (answer, self.is_free(&wanted.scope, None)) {
                    (Attempt::Held(lease), true) => {
                        assert!(lease.fence > self.newest, "{} after {}", lease.fence, self.newest);
                        self.newest = lease.fence;
                        self.held.insert(lease.fence, Held { scope: wanted.scope, left: 60, is_dead: false });
                        self.processes[who].1 = Some(lease);
                    }
                    (Attempt::HeldBy(others), false) => assert!(!others.is_empty()),
                    (answer, is_free) => panic!("{answer:?}, and it is free: {is_free}"),
                }
            }
            Event::Extend(who, host) => {
                let Some(lease) =
                    self.processes[who].1.clone().filter(|lease| lease.holder.scope.hosts.is_some())
                else {
                    return;
                };
                let more = Scope::hosts(lease.holder.scope.environment.as_deref(), [host.to_owned()]);
                self.sweep();
                let answer = self.processes[who].0.extend(&lease, &more).await;
                let Some(own) = self.held.get(&lease.fence) else {
                    assert!(matches!(answer, Err(RenewError::Lost(_))), "{answer:?}");
                    return;
                };
                let mut wanted = own.scope.hosts.clone().unwrap();
                wanted.insert(host.to_owned());
                let wanted = Scope::hosts(own.scope.environment.as_deref(), wanted);
                let is_free = self.is_free(&wanted, Some(lease.fence));
                let own = self.held.get_mut(&lease.fence).unwrap();
                own.left = 60;
                match (answer.unwrap(), is_free) {
                    (Attempt::Held(longer), true) => {
                        assert_eq!((longer.fence, &longer.holder.scope), (lease.fence, &wanted));
                        own.scope = wanted;
                        self.processes[who].1 = Some(longer);
                    }
                    (Attempt::HeldBy(_), false) => {}
                    (answer, is_free) => panic!("{answer:?}, and it is free: {is_free}"),
                }
            }
            Event::Renew(who) => {
                let Some(lease) = self.processes[who].1.clone() else { return };
                let answer = self.processes[who].0.renew(&lease).await;
                match (answer, self.held.get_mut(&lease.fence)) {
                    (Ok(()), Some(held)) => held.left = 60,
                    (Err(RenewError::Lost(lost)), None) => {
                        let is_broken = self.broken.contains(&lease.fence);
                        assert_eq!(matches!(lost, Lost::Broken(_)), is_broken, "{lost}");
                        self.processes[who].1 = None;
                    }
                    (answer, held) => panic!("{answer:?}, and it is held: {}", held.is_some()),
                }
            }
            Event::Release(who) => {
                let Some(lease) = self.processes[who].1.take() else { return };
                self.processes[who].0.release(&lease).await.unwrap();
                self.held.remove(&lease.fence);
            }
            Event::Die(who) => {
                let lease = self.processes[who].1.take();
                self.processes[who].0 = self.world.process();
                if let Some(held) = lease.and_then(|lease| self.held.get_mut(&lease.fence)) {
                    held.is_dead = true;
                }
            }
            Event::Break(environment) => {
                self.sweep();
                let breaking = Breaking {
                    which: Some(environment.to_owned()),
                    by: "eve".to_owned(),
                    reason: "it hangs".to_owned(),
                    at: "2026-03-01T11:00:00Z".parse().unwrap(),
                };
                let answer = self.processes[0].0.break_locks(&breaking).await;
                let is_meant = |held: &Held| held.scope.environment.as_deref() == Some(environment);
                let meant: Vec<u64> =
                    self.held.iter().filter(|(_, held)| is_meant(held)).map(|(fence, _)| *fence).collect();
                let broken =
                    answer.map(|broken| broken.iter().map(|broken| broken.fence).collect::<Vec<_>>());
                assert_eq!(broken.unwrap_or_default(), meant);
                self.held.retain(|_, held| !is_meant(held));
                self.broken.extend(meant);
            }
            Event::Pass(seconds) => {
                self.world.pass(seconds);
                if !self.world.frees_the_dead_at_once() {
                    self.held.values_mut().for_each(|held| held.left = held.left.saturating_sub(seconds));
                }
            }
            Event::Ask(..) => {}
        }
        let shown = self.processes[1].0.show().await.unwrap();
        let at_once = self.world.frees_the_dead_at_once();
        let mut living: Vec<&Scope> = self
            .held
            .values()
            .filter(|held| if at_once { !held.is_dead } else { held.left > 0 })
            .map(|held| &held.scope)
            .collect();
        let mut shown: Vec<&Scope> = shown.iter().map(|holder| &holder.scope).collect();
        living.sort_by_key(|scope| scope.to_string());
        shown.sort_by_key(|scope| scope.to_string());
        assert_eq!(shown, living);
    }
}

/// What the store does is what the model does.
fn follows_the_model<'w>(cases: u32, world: impl Fn(u32) -> Box<dyn World + 'w>) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let number = std::cell::Cell::new(0);
    let histories = proptest::collection::vec(event(), 1..40);
    let followed = runner.run(&histories, |events| {
        number.set(number.get() + 1);
        let world = world(number.get());
        wait(async {
            let mut model = Model::new(&*world);
            for event in events {
                model.follow(event).await;
            }
        });
        Ok(())
    });
    followed.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_folder_keeps_the_laws() {
    follows_the_model(60, |_| Box::new(Folder(tempfile::tempdir().unwrap())));
}

#[test]
fn a_database_keeps_the_laws() {
    let server = PostgresServer::start();
    follows_the_model(25, |number| {
        Box::new(Database(&server, format!("laws {number}"), TestClock::default()))
    });
}

/// Why a guard stops the run, or nothing.
async fn stopped(keeper: &Keeper) -> Option<String> {
    match keeper.may_change(Some("a")).await {
        Ok(()) => None,
        Err(Refusal::Run(halt)) => Some(halt.to_string()),
        Err(Refusal::Change(error)) => panic!("{error}"),
    }
}

#[test]
fn a_run_outlives_its_database_for_as_long_as_its_lease() {
    let mut server = PostgresServer::start();
    let clock = TestClock::default();
    let store = {
        let text = WithClock(text(&server, "outage"), clock.clone());
        Arc::new(SharedLocks::new(Arc::new(text), MINUTE))
    };
    wait(async {
        let taken = Keeper::take(store.clone(), Arc::new(clock.clone()), &holder("one", "prod", "")).await;
        let keeper = taken.unwrap().unwrap();
        server.crash();
        clock.add(10);
        assert!(matches!(keeper.renew().await, Err(RenewError::Store(_))));
        assert_eq!(stopped(&keeper).await, None, "it was gone for ten seconds");
        server.restart();
        keeper.renew().await.unwrap();
        clock.add(59);
        assert_eq!(stopped(&keeper).await, None);

        server.crash();
        clock.add(1);
        let why = stopped(&keeper).await.unwrap();
        assert!(why.starts_with("the lock was lost: the database `oneex` at 127.0.0.1:"), "{why}");
        assert!(why.contains(" could not be asked for 60 s: "), "{why}");

        // Another takes it before the first can ask again.
        server.restart();
        let other = Keeper::take(store.clone(), Arc::new(clock.clone()), &holder("two", "prod", "")).await;
        let other = other.unwrap().unwrap();
        assert!(other.lease().fence > keeper.lease().fence);
        let why = stopped(&keeper).await.unwrap();
        assert!(why.starts_with("the lock was lost: another run has it: ada on ops1"), "{why}");
        keeper.release().await.unwrap();
        assert_eq!(store.show().await.unwrap().len(), 1, "what is another's is not given back");

        // The server's clock is set back by a day: the living keep what they have.
        clock.add(-86_400);
        other.renew().await.unwrap();
        clock.add(61);
        assert!(store.show().await.unwrap().is_empty());
    });
}
