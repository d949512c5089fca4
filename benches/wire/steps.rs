//! W1: twenty typical steps, each in the words of every contender. Run twice, the second run has nothing to change;
//! the command and the text for a shell act each time, as they do with all of them.
//!
//! In `sh` a step is written as one would by hand: it looks first, and then does what is to be done. oneex has no
//! operation that replaces text everywhere in a file: there it changes the line by its regular expression.

/// One step. `@d` stands for the folder of the work.
pub(crate) struct Step {
    /// An operation of a task's body; `dir` is the folder.
    pub(crate) oneex: &'static str,
    /// Text for a shell.
    pub(crate) sh: &'static str,
    /// A line of a deploy; `name` is its title and `dir` the folder.
    pub(crate) pyinfra: &'static str,
    /// A task's action as YAML in one line.
    pub(crate) ansible: &'static str,
}

/// What the template holds; `NAME` stands for the host's name in each one's own words.
pub(crate) const TEMPLATE: &str = "name = {{ NAME }}\nport = 8080\nlog = info\n";

/// Four kilobytes of text.
pub(crate) fn payload() -> String {
    (0..64).map(|number| format!("{number:03} {:x<59}\n", "")).collect()
}

/// The twenty.
pub(crate) const STEPS: [Step; 20] = [
    Step {
        oneex: r#"h.directory(dir, #{ mode: "0750" })"#,
        sh: r#"[ "$(stat -c %a "$d" 2>/dev/null)" = 750 ] || { mkdir -p "$d" && chmod 750 "$d"; }"#,
        pyinfra: "files.directory(name=name, path=dir, mode='750')",
        ansible: "ansible.builtin.file: { path: '@d', state: directory, mode: '0750' }",
    },
    Step {
        oneex: r#"h.copy("payload.txt", dir + "/payload")"#,
        sh: "cat >\"$d/.new\" <<'END'\n@payload\nEND\ncmp -s \"$d/.new\" \"$d/payload\" && rm \"$d/.new\" || mv \"$d/.new\" \"$d/payload\"",
        pyinfra: "files.put(name=name, src='files/payload.txt', dest=dir + '/payload')",
        ansible: "ansible.builtin.copy: { src: payload.txt, dest: '@d/payload' }",
    },
    Step {
        oneex: r#"h.template("app.conf.j2", dir + "/app.conf")"#,
        sh: "cat >\"$d/.new\" <<'END'\n@template\nEND\ncmp -s \"$d/.new\" \"$d/app.conf\" && rm \"$d/.new\" || mv \"$d/.new\" \"$d/app.conf\"",
        pyinfra: "files.template(name=name, src='templates/app.pyinfra.j2', dest=dir + '/app.conf')",
        ansible: "ansible.builtin.template: { src: app.conf.j2, dest: '@d/app.conf' }",
    },
    Step {
        oneex: r#"h.line(dir + "/settings", "alpha = 1", #{ create: true })"#,
        sh: r#"grep -qx 'alpha = 1' "$d/settings" 2>/dev/null || echo 'alpha = 1' >>"$d/settings""#,
        pyinfra: "files.line(name=name, path=dir + '/settings', line='alpha = 1')",
        ansible: "ansible.builtin.lineinfile: { path: '@d/settings', line: 'alpha = 1', create: true }",
    },
    Step {
        oneex: r#"h.block(dir + "/settings", "beta = 2\ngamma = 3")"#,
        sh: r#"grep -q '^# BEGIN' "$d/settings" || printf '%s\n' '# BEGIN' 'beta = 2' 'gamma = 3' '# END' >>"$d/settings""#,
        pyinfra: "files.block(name=name, path=dir + '/settings', content='beta = 2\\ngamma = 3')",
        ansible: r#"ansible.builtin.blockinfile: { path: '@d/settings', block: "beta = 2\ngamma = 3" }"#,
    },
    Step {
        oneex: r#"h.exec(["true"])"#,
        sh: "true",
        pyinfra: "server.shell(name=name, commands=['true'])",
        ansible: "ansible.builtin.command: 'true'",
    },
    Step {
        oneex: r#"h.exec("echo hello | wc -c")"#,
        sh: "echo hello | wc -c",
        pyinfra: "server.shell(name=name, commands=['echo hello | wc -c'])",
        ansible: "ansible.builtin.shell: echo hello | wc -c",
    },
    Step {
        oneex: r#"h.stat(dir + "/payload")"#,
        sh: r#"stat -c '%F %a %U %G %s %Y' "$d/payload""#,
        pyinfra: "host.get_fact(File, path=dir + '/payload')",
        ansible: "ansible.builtin.stat: { path: '@d/payload' }",
    },
    Step {
        oneex: r#"h.user("@user")"#,
        sh: "id '@user' >/dev/null",
        pyinfra: "server.user(name=name, user='@user')",
        ansible: "ansible.builtin.user: { name: '@user' }",
    },
    Step {
        oneex: r#"h.group("root")"#,
        sh: "getent group root >/dev/null",
        pyinfra: "server.group(name=name, group='root')",
        ansible: "ansible.builtin.group: { name: root }",
    },
    Step {
        oneex: r#"h.file(dir + "/payload", #{ mode: "0640" })"#,
        sh: r#"[ "$(stat -c %a "$d/payload")" = 640 ] || chmod 640 "$d/payload""#,
        pyinfra: "files.file(name=name, path=dir + '/payload', mode='640')",
        ansible: "ansible.builtin.file: { path: '@d/payload', mode: '0640' }",
    },
    Step {
        oneex: r#"h.link("payload", dir + "/current")"#,
        sh: r#"[ "$(readlink "$d/current")" = payload ] || ln -sfn payload "$d/current""#,
        pyinfra: "files.link(name=name, path=dir + '/current', target='payload')",
        ansible: "ansible.builtin.file: { path: '@d/current', src: payload, state: link }",
    },
    Step {
        oneex: r#"h.exec(`echo level=1 >${dir}/level`, #{ creates: dir + "/level" })"#,
        sh: r#"[ -e "$d/level" ] || echo level=1 >"$d/level""#,
        pyinfra: "server.shell(name=name, commands=[f'[ -e {dir}/level ] || echo level=1 >{dir}/level'])",
        ansible: "ansible.builtin.shell: { cmd: 'echo level=1 >@d/level', creates: '@d/level' }",
    },
    Step {
        oneex: r#"h.line(dir + "/level", "level=9", #{ regexp: "^level=" })"#,
        sh: r#"grep -q '^level=1' "$d/level" && sed -i 's/^level=1/level=9/' "$d/level" || true"#,
        pyinfra: "files.replace(name=name, path=dir + '/level', text='level=1', replace='level=9')",
        ansible: "ansible.builtin.replace: { path: '@d/level', regexp: '^level=1', replace: 'level=9' }",
    },
    Step {
        oneex: r#"h.write(dir + "/motd", "Welcome\n", #{ mode: "0644" })"#,
        sh: r#"[ "$(cat "$d/motd" 2>/dev/null)" = Welcome ] || { echo Welcome >"$d/motd" && chmod 644 "$d/motd"; }"#,
        pyinfra: "files.put(name=name, src=StringIO('Welcome\\n'), dest=dir + '/motd', mode='644')",
        ansible: r#"ansible.builtin.copy: { content: "Welcome\n", dest: '@d/motd', mode: '0644' }"#,
    },
    Step {
        oneex: r#"h.file(dir + "/log", #{ mode: "0600" })"#,
        sh: r#"[ "$(stat -c %a "$d/log" 2>/dev/null)" = 600 ] || { : >>"$d/log" && chmod 600 "$d/log"; }"#,
        pyinfra: "files.file(name=name, path=dir + '/log', mode='600')",
        ansible: "ansible.builtin.file: { path: '@d/log', state: touch, mode: '0600', access_time: preserve, modification_time: preserve }",
    },
    Step {
        oneex: r#"h.directory(dir + "/logs/old")"#,
        sh: r#"[ -d "$d/logs/old" ] || mkdir -p "$d/logs/old""#,
        pyinfra: "files.directory(name=name, path=dir + '/logs/old')",
        ansible: "ansible.builtin.file: { path: '@d/logs/old', state: directory }",
    },
    Step {
        oneex: r#"h.absent(dir + "/old.conf")"#,
        sh: r#"[ ! -e "$d/old.conf" ] || rm -rf "$d/old.conf""#,
        pyinfra: "files.file(name=name, path=dir + '/old.conf', present=False)",
        ansible: "ansible.builtin.file: { path: '@d/old.conf', state: absent }",
    },
    Step {
        oneex: r#"h.line(dir + "/settings", "delta = 4", #{ state: "absent" })"#,
        sh: r#"! grep -qx 'delta = 4' "$d/settings" || sed -i '/^delta = 4$/d' "$d/settings""#,
        pyinfra: "files.line(name=name, path=dir + '/settings', line='delta = 4', present=False)",
        ansible: "ansible.builtin.lineinfile: { path: '@d/settings', line: 'delta = 4', state: absent }",
    },
    Step {
        oneex: r#"h.query(["uname", "-r"])"#,
        sh: "uname -r",
        pyinfra: "host.get_fact(Command, command='uname -r')",
        ansible: "ansible.builtin.command: uname -r",
    },
];

/// The step in `sh`, ready to be run in `folder` as `user`.
pub(crate) fn text(step: &Step, folder: &str, user: &str) -> String {
    let text = step.sh.replace("@payload", payload().trim_end()).replace("@user", user);
    let text = text.replace("@template", TEMPLATE.replace("{{ NAME }}", "host").trim_end());
    format!("d='{folder}/app'\n{text}\n")
}
