//! Whom oneex trusts, and who lets it in: host keys and client keys with a real sshd.

use oneex_testkit::project::Finished;

use crate::scenarios::fleet::Fleet;

fn exec(fleet: &Fleet) -> Finished {
    fleet.call(&["exec", "web", "--", "true"]).run()
}

#[test]
fn a_host_with_an_unknown_key_is_refused_and_the_key_is_not_learnt() {
    let fleet = Fleet::new(1);
    let known = fleet.project.home().join(".ssh/known_hosts");
    std::fs::remove_file(&known).unwrap();
    let refused = exec(&fleet).expect_code(1);
    assert!(refused.stdout.contains("is not known: it shows `ssh-ed25519 SHA256:"), "{}", refused.stdout);
    assert!(refused.stdout.contains("ssh-keyscan -p"), "it says what to do: {}", refused.stdout);
    assert!(!known.exists());
    assert!(!fleet.farm.log(0).contains("Accepted"), "nobody logged in");
}

#[test]
fn a_host_whose_key_has_changed_is_refused() {
    let fleet = Fleet::new(1);
    let other = Fleet::new(1);
    let host = fleet.farm.host(0);
    let line = format!("[{}]:{} {}\n", host.address, host.port, other.farm.host(0).host_key);
    let known = fleet.project.home().join(".ssh/known_hosts");
    std::fs::write(&known, &line).unwrap();
    let refused = exec(&fleet).expect_code(1);
    assert!(refused.stdout.contains("has changed"), "{}", refused.stdout);
    assert!(refused.stdout.contains("known_hosts:1"), "it names the line: {}", refused.stdout);
    assert_eq!(std::fs::read_to_string(&known).unwrap(), line, "nothing is written over");
}

#[test]
fn a_user_that_the_host_does_not_let_in_is_told_what_was_tried() {
    let fleet = Fleet::new(1);
    std::fs::write(fleet.farm.authorized_keys(), "").unwrap();
    let refused = exec(&fleet).expect_code(1);
    assert!(refused.stdout.contains("does not let"), "{}", refused.stdout);
    assert!(refused.stdout.contains("client_key"), "it names the key: {}", refused.stdout);
    assert!(refused.stdout.contains("ansible_ssh_private_key_file"), "{}", refused.stdout);
}
