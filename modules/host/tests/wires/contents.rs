//! A content that is too large to travel with its command is compared where it arrived.

use super::host::Wires;
use crate::host::attributes::Attributes;
use crate::host::content::Wanted;
use crate::host::place::{Placement, Source};
use crate::host::probe::{Depth, probe};

#[tokio::test]
async fn what_is_not_what_was_read_before_takes_no_place() {
    let mut wires = Wires::all().await;
    for (name, host, folder) in wires.each() {
        let file = host.project_write("files/large", vec![b'x'; 5 << 20]);
        let before = Wanted::file(&file).await.expect("it is read").sha256().to_owned();
        let path = folder.join("f").display().to_string();
        for is_changed in [true, false] {
            std::fs::write(&file, vec![if is_changed { b'y' } else { b'x' }; 5 << 20])
                .expect("it is written");
            let found = probe(&*host, &path, true, Depth::Facts).await.expect("it is looked at");
            let (source, attributes) = (Some(Source::File(file.clone())), Attributes::default());
            let placement = Placement {
                probe: &found,
                source,
                staged: None,
                sha256: &before,
                attributes,
                backup: false,
                validate: None,
            };
            let result = placement.apply(&*host).await;
            let names: Vec<_> = std::fs::read_dir(folder).expect("the folder").flatten().collect();
            if is_changed {
                let error = result.expect_err(name);
                assert!(error.message.contains("was the source changed meanwhile?"), "{name}: {error}");
                assert!(names.is_empty(), "{name}: {names:?}");
            } else {
                result.expect(name);
                assert_eq!(names.len(), 1, "{name}: {names:?}");
            }
        }
    }
}
