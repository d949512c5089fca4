//! Threads that run code. They are made when there is work for them, and stay for the run.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Scripts recurse; memory is taken only where a stack grows.
const STACK: usize = 16 << 20;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
    /// A thread was woken and has not come yet: it wakes the next where there is more to do. So short
    /// jobs stay with the few threads that are awake, since waking one costs more than they do.
    waking: bool,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                self.wake_one(&mut queue);
                drop(queue);
                job();
                queue = self.lock();
            } else if queue.closed {
                return;
            } else {
                queue.idle += 1;
                queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
                queue.waking = false;
            }
        }
    }

    /// Wakes a thread where there is work for it and none is on its way.
    fn wake_one(&self, queue: &mut Queue) {
        if !queue.jobs.is_empty() && queue.idle > 0 && !queue.waking {
            queue.waking = true;
            self.wake.notify_one();
        }
    }
}

/// Threads that run code; ends them when it is dropped, after what they were given.
#[derive(Default)]
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Runs `job` on a thread that is free, or on a new one. Where the system has no more threads,
    /// it waits for one of those there are; without any, it runs here.
    pub(super) fn submit(&mut self, job: Job) {
        let free = {
            let mut queue = self.shared.lock();
            queue.jobs.push_back(job);
            self.shared.wake_one(&mut queue);
            queue.idle >= queue.jobs.len()
        };
        if free {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("node".to_owned()).stack_size(STACK);
        match thread.spawn(move || shared.work()) {
            Ok(handle) => self.threads.push(handle),
            Err(error) if self.threads.is_empty() => {
                tracing::warn!(%error, "no thread for a node: it runs on the scheduler's own");
                let job = self.shared.lock().jobs.pop_front();
                job.into_iter().for_each(|job| job());
            }
            Err(error) => {
                tracing::warn!(%error, threads = self.threads.len(), "no further thread for nodes");
            }
        }
    }

    /// How many threads there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.threads.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A job that panics has said so by its own means.
            let _ = thread.join();
        }
    }
}

/// Calls `work`; what it panicked with becomes a text.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| text_of(&*panic))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier, mpsc};
    use std::time::Duration;

    use super::{Pool, guarded};

    #[test]
    fn jobs_run_side_by_side_and_free_threads_are_used_again() {
        let mut pool = Pool::default();
        let (first_out, first_in) = mpsc::channel::<()>();
        let (second_out, second_in) = mpsc::channel::<()>();
        let (done, all) = mpsc::channel();
        let also_done = done.clone();
        // Each waits for the other, so both must run at once.
        pool.submit(Box::new(move || {
            first_out.send(()).expect("the other listens");
            second_in.recv().expect("the other speaks");
            done.send(()).expect("the test listens");
        }));
        pool.submit(Box::new(move || {
            first_in.recv().expect("the other speaks");
            second_out.send(()).expect("the other listens");
            also_done.send(()).expect("the test listens");
        }));
        all.recv().expect("one");
        all.recv().expect("two");
        assert_eq!(pool.len(), 2);
        while pool.shared.lock().idle < 2 {
            std::thread::yield_now();
        }
        let (done, last) = mpsc::channel();
        pool.submit(Box::new(move || done.send(()).expect("the test listens")));
        last.recv().expect("three");
        assert_eq!(pool.len(), 2);
    }

    #[test]
    fn idle_threads_wake_one_another_until_all_jobs_run() {
        const COUNT: usize = 8;
        let mut pool = Pool::default();
        for round in 0..50 {
            // None of them ends before all run.
            let meet = Arc::new(Barrier::new(COUNT));
            let (done, all) = mpsc::channel();
            for _ in 0..COUNT {
                let (meet, done) = (Arc::clone(&meet), done.clone());
                pool.submit(Box::new(move || {
                    meet.wait();
                    done.send(()).expect("the test listens");
                }));
            }
            for _ in 0..COUNT {
                all.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("stuck in {round}"));
            }
        }
    }

    #[test]
    fn what_was_given_is_done_before_the_end() {
        let (done, all) = mpsc::channel();
        let mut pool = Pool::default();
        for index in 0..8 {
            let done = done.clone();
            pool.submit(Box::new(move || done.send(index).expect("the test listens")));
        }
        drop((pool, done));
        assert_eq!(all.iter().count(), 8);
    }

    #[test]
    fn a_panic_becomes_a_text() {
        let index = std::hint::black_box(3);
        let text = guarded(|| [0, 1][index]).expect_err("out of bounds");
        assert!(text.contains("out of bounds"), "{text}");
    }
}
