//! A plugin that panics while it registers, after it has registered something.

use caliptra_util_host_plugin::{
    CommandDescriptor, PluginDescriptor, export_plugin, register_command,
};

export_plugin!(PluginDescriptor {
    name: "panicking",
    version: "0",
    register: || {
        register_command(CommandDescriptor {
            name: "left.behind",
            command_id: 0xF000_0100,
            execute: |_, _| Ok(vec![]),
            description: "",
        })?;
        panic!("on purpose")
    },
    unregister: None,
});
