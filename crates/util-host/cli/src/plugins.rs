//! Plugins.

use crate::args::{Args, PluginAction, PluginArgs};
use crate::session::{load, with_session};
use crate::show::{hex, unhex};
use anyhow::{Result, anyhow};
use caliptra_util_host_plugin::{PluginManager, get_command, list_commands, list_transports};
use serde_json::json;

/// `plugin`
pub fn run(args: &Args, options: &PluginArgs) -> Result<()> {
    match &options.action {
        PluginAction::List => list(args),
        PluginAction::Run { name, payload } => {
            let payload = unhex(payload)?;
            let answer = with_session(args, |session| {
                let command = get_command(name).ok_or_else(|| {
                    anyhow!("no loaded plugin has a command '{name}': load one with --load FILE")
                })?;
                Ok((command.execute)(session, &payload)?)
            })?;
            match args.json {
                true => println!("{:#}", json!({ "command": name, "answer": hex(&answer) })),
                false => println!("{}", hex(&answer)),
            }
            Ok(())
        }
    }
}

fn list(args: &Args) -> Result<()> {
    let manager = load(&args.load)?;
    let found = PluginManager::discover_all();
    if args.json {
        let plugins: Vec<_> = manager
            .loaded_plugins()
            .iter()
            .map(|plugin| json!({ "name": plugin.name, "version": plugin.version, "path": plugin.path }))
            .collect();
        let commands: Vec<_> = list_commands()
            .iter()
            .map(|command| json!({ "name": command.name, "id": command.command_id, "description": command.description }))
            .collect();
        let all = json!({ "loaded": plugins, "commands": commands, "transports": list_transports(), "found": found });
        println!("{all:#}");
        return Ok(());
    }
    for plugin in manager.loaded_plugins() {
        println!(
            "loaded     {} {} ({})",
            plugin.name,
            plugin.version,
            plugin.path.display()
        );
    }
    for command in list_commands() {
        println!(
            "command    {} ({:#x}): {}",
            command.name, command.command_id, command.description
        );
    }
    for transport in list_transports() {
        println!("transport  plugin:{transport}");
    }
    for path in found {
        println!("found      {}", path.display());
    }
    Ok(())
}
