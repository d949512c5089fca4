//! W4: fifty operations that find nothing to do when they are run again, as most of a fleet does most of the time.

use super::steps::Step;

/// The fifty: folders, files, lines, links, what is not to be there, modes, users and groups.
pub(crate) fn settled() -> Vec<Step> {
    let mut steps = Vec::new();
    for number in 0..10 {
        steps.push(folder(number));
    }
    for number in 0..10 {
        steps.push(file(number));
    }
    for number in 0..10 {
        steps.push(line(number));
    }
    for number in 0..5 {
        steps.push(link(number));
    }
    for number in 0..5 {
        steps.push(absent(number));
    }
    for number in 0..5 {
        steps.push(mode(number));
    }
    for name in ["root", "daemon", "@user"] {
        steps.push(user(name));
    }
    for name in ["root", "daemon"] {
        steps.push(group(name));
    }
    steps
}

fn step(oneex: String, sh: String, pyinfra: String, ansible: String) -> Step {
    Step { oneex: oneex.into(), sh: sh.into(), pyinfra: pyinfra.into(), ansible: ansible.into() }
}

fn folder(number: usize) -> Step {
    step(
        format!(r#"h.directory(dir + "/d{number}", #{{ mode: "0755" }})"#),
        format!(
            r#"[ "$(stat -c %a "$d/d{number}" 2>/dev/null)" = 755 ] || {{ mkdir -p "$d/d{number}" && chmod 755 "$d/d{number}"; }}"#
        ),
        format!("files.directory(name=name, path=dir + '/d{number}', mode='755')"),
        format!("ansible.builtin.file: {{ path: '@d/d{number}', state: directory, mode: '0755' }}"),
    )
}

fn file(number: usize) -> Step {
    step(
        format!(r#"h.write(dir + "/f{number}", "number = {number}\n", #{{ mode: "0644" }})"#),
        format!(
            r#"[ "$(cat "$d/f{number}" 2>/dev/null)" = 'number = {number}' ] || {{ echo 'number = {number}' >"$d/f{number}" && chmod 644 "$d/f{number}"; }}"#
        ),
        format!(
            "files.put(name=name, src=StringIO('number = {number}\\n'), dest=dir + '/f{number}', mode='644')"
        ),
        format!(
            r#"ansible.builtin.copy: {{ content: "number = {number}\n", dest: '@d/f{number}', mode: '0644' }}"#
        ),
    )
}

fn line(number: usize) -> Step {
    step(
        format!(r#"h.line(dir + "/settings", "key{number} = {number}", #{{ create: true }})"#),
        format!(
            r#"grep -qx 'key{number} = {number}' "$d/settings" 2>/dev/null || echo 'key{number} = {number}' >>"$d/settings""#
        ),
        format!("files.line(name=name, path=dir + '/settings', line='key{number} = {number}')"),
        format!(
            "ansible.builtin.lineinfile: {{ path: '@d/settings', line: 'key{number} = {number}', create: true }}"
        ),
    )
}

fn link(number: usize) -> Step {
    step(
        format!(r#"h.link("f{number}", dir + "/l{number}")"#),
        format!(r#"[ "$(readlink "$d/l{number}")" = f{number} ] || ln -sfn f{number} "$d/l{number}""#),
        format!("files.link(name=name, path=dir + '/l{number}', target='f{number}')"),
        format!("ansible.builtin.file: {{ path: '@d/l{number}', src: f{number}, state: link }}"),
    )
}

fn absent(number: usize) -> Step {
    step(
        format!(r#"h.absent(dir + "/old{number}")"#),
        format!(r#"[ ! -e "$d/old{number}" ] || rm -rf "$d/old{number}""#),
        format!("files.file(name=name, path=dir + '/old{number}', present=False)"),
        format!("ansible.builtin.file: {{ path: '@d/old{number}', state: absent }}"),
    )
}

fn mode(number: usize) -> Step {
    step(
        format!(r#"h.file(dir + "/f{number}", #{{ mode: "0644" }})"#),
        format!(r#"[ "$(stat -c %a "$d/f{number}")" = 644 ] || chmod 644 "$d/f{number}""#),
        format!("files.file(name=name, path=dir + '/f{number}', mode='644')"),
        format!("ansible.builtin.file: {{ path: '@d/f{number}', mode: '0644' }}"),
    )
}

fn user(name: &str) -> Step {
    step(
        format!(r#"h.user("{name}")"#),
        format!("id '{name}' >/dev/null"),
        format!("server.user(name=name, user='{name}')"),
        format!("ansible.builtin.user: {{ name: '{name}' }}"),
    )
}

fn group(name: &str) -> Step {
    step(
        format!(r#"h.group("{name}")"#),
        format!("getent group '{name}' >/dev/null"),
        format!("server.group(name=name, group='{name}')"),
        format!("ansible.builtin.group: {{ name: '{name}' }}"),
    )
}
