//! W1: twenty typical steps, each in the words of every contender. Run twice, the second run has nothing to change;
//! the command and the text for a shell act each time, as they do with all of them.
//!
//! In `sh` a step is written as one would by hand: it looks first, and then does what is to be done. oneex has no
//! operation that replaces text everywhere in a file: there it changes the line by its regular expression.

use std::borrow::Cow;

/// One step. `@d` stands for the folder of the work.
pub(crate) struct Step {
    /// An operation of a task's body; `dir` is the folder.
    pub(crate) oneex: Cow<'static, str>,
    /// Text for a shell.
    pub(crate) sh: Cow<'static, str>,
    /// A line of a deploy; `name` is its title and `dir` the folder.
    pub(crate) pyinfra: Cow<'static, str>,
    /// A task's action as YAML in one line.
    pub(crate) ansible: Cow<'static, str>,
}

/// A step in the words of each.
const fn step(oneex: &'static str, sh: &'static str, pyinfra: &'static str, ansible: &'static str) -> Step {
    Step {
        oneex: Cow::Borrowed(oneex),
        sh: Cow::Borrowed(sh),
        pyinfra: Cow::Borrowed(pyinfra),
        ansible: Cow::Borrowed(ansible),
    }
}

/// What the template holds; `NAME` stands for the host's name in each one's own words.
pub(crate) const TEMPLATE: &str = "name = {{ NAME }}\nport = 8080\nlog = info\n";

/// Four kilobytes of text.
pub(crate) fn payload() -> String {
    (0..64).map(|number| format!("{number:03} {:x<59}\n", "")).collect()
}

/// The twenty.
pub(crate) static STEPS: [Step; 20] = [
    step(
        r#"h.directory(dir, #{ mode: "0750" })"#,
        r#"[ "$(stat -c %a "$d" 2>/dev/null)" = 750 ] || { mkdir -p "$d" && chmod 750 "$d"; }"#,
        "files.directory(name=name, path=dir, mode='750')",
        "ansible.builtin.file: { path: '@d', state: directory, mode: '0750' }",
    ),
    step(
        r#"h.copy("payload.txt", dir + "/payload")"#,
        "cat >\"$d/.new\" <<'END'\n@payload\nEND\ncmp -s \"$d/.new\" \"$d/payload\" && rm \"$d/.new\" || mv \"$d/.new\" \"$d/payload\"",
        "files.put(name=name, src='files/payload.txt', dest=dir + '/payload')",
        "ansible.builtin.copy: { src: payload.txt, dest: '@d/payload' }",
    ),
    step(
        r#"h.template("app.conf.j2", dir + "/app.conf")"#,
        "cat >\"$d/.new\" <<'END'\n@template\nEND\ncmp -s \"$d/.new\" \"$d/app.conf\" && rm \"$d/.new\" || mv \"$d/.new\" \"$d/app.conf\"",
        "files.template(name=name, src='templates/app.pyinfra.j2', dest=dir + '/app.conf')",
        "ansible.builtin.template: { src: app.conf.j2, dest: '@d/app.conf' }",
    ),
    step(
        r#"h.line(dir + "/settings", "alpha = 1", #{ create: true })"#,
        r#"grep -qx 'alpha = 1' "$d/settings" 2>/dev/null || echo 'alpha = 1' >>"$d/settings""#,
        "files.line(name=name, path=dir + '/settings', line='alpha = 1')",
        "ansible.builtin.lineinfile: { path: '@d/settings', line: 'alpha = 1', create: true }",
    ),
    step(
        r#"h.block(dir + "/settings", "beta = 2\ngamma = 3")"#,
        r#"grep -q '^# BEGIN' "$d/settings" || printf '%s\n' '# BEGIN' 'beta = 2' 'gamma = 3' '# END' >>"$d/settings""#,
        "files.block(name=name, path=dir + '/settings', content='beta = 2\\ngamma = 3')",
        r#"ansible.builtin.blockinfile: { path: '@d/settings', block: "beta = 2\ngamma = 3" }"#,
    ),
    step(
        r#"h.exec(["true"])"#,
        "true",
        "server.shell(name=name, commands=['true'])",
        "ansible.builtin.command: 'true'",
    ),
    step(
        r#"h.exec("echo hello | wc -c")"#,
        "echo hello | wc -c",
        "server.shell(name=name, commands=['echo hello | wc -c'])",
        "ansible.builtin.shell: echo hello | wc -c",
    ),
    step(
        r#"h.stat(dir + "/payload")"#,
        r#"stat -c '%F %a %U %G %s %Y' "$d/payload""#,
        "host.get_fact(File, path=dir + '/payload')",
        "ansible.builtin.stat: { path: '@d/payload' }",
    ),
    step(
        r#"h.user("@user")"#,
        "id '@user' >/dev/null",
        "server.user(name=name, user='@user')",
        "ansible.builtin.user: { name: '@user' }",
    ),
    step(
        r#"h.group("root")"#,
        "getent group root >/dev/null",
        "server.group(name=name, group='root')",
        "ansible.builtin.group: { name: root }",
    ),
    step(
        r#"h.file(dir + "/payload", #{ mode: "0640" })"#,
        r#"[ "$(stat -c %a "$d/payload")" = 640 ] || chmod 640 "$d/payload""#,
        "files.file(name=name, path=dir + '/payload', mode='640')",
        "ansible.builtin.file: { path: '@d/payload', mode: '0640' }",
    ),
    step(
        r#"h.link("payload", dir + "/current")"#,
        r#"[ "$(readlink "$d/current")" = payload ] || ln -sfn payload "$d/current""#,
        "files.link(name=name, path=dir + '/current', target='payload')",
        "ansible.builtin.file: { path: '@d/current', src: payload, state: link }",
    ),
    step(
        r#"h.exec(`echo level=1 >${dir}/level`, #{ creates: dir + "/level" })"#,
        r#"[ -e "$d/level" ] || echo level=1 >"$d/level""#,
        "server.shell(name=name, commands=[f'[ -e {dir}/level ] || echo level=1 >{dir}/level'])",
        "ansible.builtin.shell: { cmd: 'echo level=1 >@d/level', creates: '@d/level' }",
    ),
    step(
        r#"h.line(dir + "/level", "level=9", #{ regexp: "^level=" })"#,
        r#"grep -q '^level=1' "$d/level" && sed -i 's/^level=1/level=9/' "$d/level" || true"#,
        "files.replace(name=name, path=dir + '/level', text='level=1', replace='level=9')",
        "ansible.builtin.replace: { path: '@d/level', regexp: '^level=1', replace: 'level=9' }",
    ),
    step(
        r#"h.write(dir + "/motd", "Welcome\n", #{ mode: "0644" })"#,
        r#"[ "$(cat "$d/motd" 2>/dev/null)" = Welcome ] || { echo Welcome >"$d/motd" && chmod 644 "$d/motd"; }"#,
        "files.put(name=name, src=StringIO('Welcome\\n'), dest=dir + '/motd', mode='644')",
        r#"ansible.builtin.copy: { content: "Welcome\n", dest: '@d/motd', mode: '0644' }"#,
    ),
    step(
        r#"h.file(dir + "/log", #{ mode: "0600" })"#,
        r#"[ "$(stat -c %a "$d/log" 2>/dev/null)" = 600 ] || { : >>"$d/log" && chmod 600 "$d/log"; }"#,
        "files.file(name=name, path=dir + '/log', mode='600')",
        "ansible.builtin.file: { path: '@d/log', state: touch, mode: '0600', access_time: preserve, modification_time: preserve }",
    ),
    step(
        r#"h.directory(dir + "/logs/old")"#,
        r#"[ -d "$d/logs/old" ] || mkdir -p "$d/logs/old""#,
        "files.directory(name=name, path=dir + '/logs/old')",
        "ansible.builtin.file: { path: '@d/logs/old', state: directory }",
    ),
    step(
        r#"h.absent(dir + "/old.conf")"#,
        r#"[ ! -e "$d/old.conf" ] || rm -rf "$d/old.conf""#,
        "files.file(name=name, path=dir + '/old.conf', present=False)",
        "ansible.builtin.file: { path: '@d/old.conf', state: absent }",
    ),
    step(
        r#"h.line(dir + "/settings", "delta = 4", #{ state: "absent" })"#,
        r#"! grep -qx 'delta = 4' "$d/settings" || sed -i '/^delta = 4$/d' "$d/settings""#,
        "files.line(name=name, path=dir + '/settings', line='delta = 4', present=False)",
        "ansible.builtin.lineinfile: { path: '@d/settings', line: 'delta = 4', state: absent }",
    ),
    step(
        r#"h.query(["uname", "-r"])"#,
        "uname -r",
        "host.get_fact(Command, command='uname -r')",
        "ansible.builtin.command: uname -r",
    ),
];

/// The step in `sh`, ready to be run in `folder` as `user`.
pub(crate) fn text(step: &Step, folder: &str, user: &str) -> String {
    let text = step.sh.replace("@payload", payload().trim_end()).replace("@user", user);
    let text = text.replace("@template", TEMPLATE.replace("{{ NAME }}", "host").trim_end());
    format!("d='{folder}/app'\n{text}\n")
}
