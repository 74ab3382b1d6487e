//! The catalog's keys; drawn at the head of the module.

use bytes::Bytes;

use super::PluginId;

const PLUGIN: u8 = 0x01;
const VERSION: u8 = 0x02;
const HAND_OFF: u8 = 0x03;
const HISTORY: u8 = 0x04;
const RESULT: u8 = 0x05;
const WINDOW: u8 = 0x06;
const STAGING: u8 = 0x07;
const RECORDED: u8 = 0x08;
const RECEIPT: u8 = 0x09;
const PROBATION: u8 = 0x0a;
const UPGRADE: u8 = 0x0b;
const LINKS: u8 = 0x0c;

/// Under [`RECORDED`]: what is to be recorded, and what was.
const RECORDING: u8 = 0x00;
const RECORDED_CALL: u8 = 0x01;

/// What follows [`RECEIPT`].
const DUE: u8 = 0x00;
const STATED: u8 = 0x01;

/// A key of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// A plugin.
    pub(crate) fn plugin(name: &str) -> Key {
        Key([&[PLUGIN], name.as_bytes()].concat())
    }

    /// All plugins, half-open.
    pub(crate) fn plugins() -> (Bytes, Bytes) {
        (vec![PLUGIN].into(), vec![PLUGIN + 1].into())
    }

    /// A version.
    pub(crate) fn version(plugin: PluginId, generation: u64) -> Key {
        Key::of(VERSION, plugin, &generation.to_be_bytes())
    }

    /// All versions of a plugin, half-open.
    pub(crate) fn versions(plugin: PluginId) -> (Bytes, Bytes) {
        Key::range(VERSION, plugin)
    }

    /// The hand-off of a plugin.
    pub(crate) fn hand_off(plugin: PluginId) -> Key {
        Key::of(HAND_OFF, plugin, &[])
    }

    /// All hand-offs, half-open.
    pub(crate) fn hand_offs() -> (Bytes, Bytes) {
        (vec![HAND_OFF].into(), vec![HAND_OFF + 1].into())
    }

    /// The state in the making of a plugin's import.
    pub(crate) fn staging(plugin: PluginId) -> Key {
        Key::of(STAGING, plugin, &[])
    }

    /// All states in the making, half-open.
    pub(crate) fn stagings() -> (Bytes, Bytes) {
        (vec![STAGING].into(), vec![STAGING + 1].into())
    }

    /// How far a plugin's state has been converted entry by entry.
    pub(crate) fn upgrade(plugin: PluginId) -> Key {
        Key::of(UPGRADE, plugin, &[])
    }

    /// The probation of a plugin's active version.
    pub(crate) fn probation(plugin: PluginId) -> Key {
        Key::of(PROBATION, plugin, &[])
    }

    /// The probation that begins with the hand-off of a plugin that is under way.
    pub(crate) fn probation_agreed(plugin: PluginId) -> Key {
        Key::of(PROBATION, plugin, b"+")
    }

    /// All probations of active versions and of successors, half-open.
    pub(crate) fn probations() -> (Bytes, Bytes) {
        (vec![PROBATION].into(), vec![PROBATION + 1].into())
    }

    /// The links of a version.
    pub(crate) fn links(plugin: PluginId, generation: u64) -> Key {
        Key::of(LINKS, plugin, &generation.to_be_bytes())
    }

    /// The links of all versions, half-open.
    pub(crate) fn all_links() -> (Bytes, Bytes) {
        (vec![LINKS].into(), vec![LINKS + 1].into())
    }

    /// The plugin whose links stand under a key.
    pub(crate) fn plugin_of_links(key: &[u8]) -> Option<PluginId> {
        Some(PluginId(u64::from_be_bytes(key.get(1..9)?.try_into().ok()?)))
    }

    /// A statement that is due.
    pub(crate) fn due(plugin: PluginId, number: u64) -> Key {
        Key::of_receipt(DUE, plugin, &number.to_be_bytes())
    }

    /// All statements that are due about a plugin, half-open.
    pub(crate) fn dues(plugin: PluginId) -> (Bytes, Bytes) {
        Key::receipts(DUE, plugin)
    }

    /// All statements that are due, half-open.
    pub(crate) fn all_dues() -> (Bytes, Bytes) {
        (vec![RECEIPT, DUE].into(), vec![RECEIPT, DUE + 1].into())
    }

    /// A statement.
    pub(crate) fn statement(plugin: PluginId, number: u64) -> Key {
        Key::of_receipt(STATED, plugin, &number.to_be_bytes())
    }

    /// All statements about a plugin, half-open.
    pub(crate) fn statements(plugin: PluginId) -> (Bytes, Bytes) {
        Key::receipts(STATED, plugin)
    }

    /// The plugin and the number that the key of a statement ends with.
    pub(crate) fn receipt_of(key: &[u8]) -> Option<(PluginId, u64)> {
        let (_, key) = key.split_at_checked(2)?;
        let (plugin, number) = key.split_at_checked(8)?;
        Some((PluginId(u64::from_be_bytes(plugin.try_into().ok()?)), u64::from_be_bytes(number.try_into().ok()?)))
    }

    /// An event of a plugin's history.
    pub(crate) fn history(plugin: PluginId, number: u64) -> Key {
        Key::of(HISTORY, plugin, &number.to_be_bytes())
    }

    /// The history of a plugin, half-open.
    pub(crate) fn history_of(plugin: PluginId) -> (Bytes, Bytes) {
        Key::range(HISTORY, plugin)
    }

    /// The result of a call. The client's length stands before it, so that no client's keys lie among another's.
    pub(crate) fn result(plugin: PluginId, client: &str, sequence: u64) -> Key {
        // A client's name has at most 128 bytes.
        let length = (client.len() as u16).to_be_bytes();
        Key::of(RESULT, plugin, &[&length[..], client.as_bytes(), &sequence.to_be_bytes()].concat())
    }

    /// The window of a client.
    pub(crate) fn window(plugin: PluginId, client: &str) -> Key {
        Key::of(WINDOW, plugin, client.as_bytes())
    }

    /// All windows of a plugin, half-open.
    pub(crate) fn windows(plugin: PluginId) -> (Bytes, Bytes) {
        Key::range(WINDOW, plugin)
    }

    /// Which calls of a plugin are recorded.
    pub(crate) fn recording(plugin: PluginId) -> Key {
        Key([&[RECORDED, RECORDING][..], &plugin.0.to_be_bytes()].concat())
    }

    /// What is recorded of all plugins, half-open.
    pub(crate) fn recordings() -> (Bytes, Bytes) {
        (vec![RECORDED, RECORDING].into(), vec![RECORDED, RECORDED_CALL].into())
    }

    /// A recorded call. Its size stands in the key, so that what all take is known without reading them.
    pub(crate) fn recorded_call(plugin: PluginId, number: u64, bytes: u32) -> Key {
        let place = [&plugin.0.to_be_bytes()[..], &number.to_be_bytes(), &bytes.to_be_bytes()].concat();
        Key([&[RECORDED, RECORDED_CALL][..], &place].concat())
    }

    /// All recorded calls of a plugin, half-open.
    pub(crate) fn recorded_calls(plugin: PluginId) -> (Bytes, Bytes) {
        let end = |plugin: u64| [&[RECORDED, RECORDED_CALL][..], &plugin.to_be_bytes()].concat().into();
        (end(plugin.0), end(plugin.0 + 1))
    }

    /// Number and size of a recorded call, by its key.
    pub(crate) fn read_recorded_call(key: &[u8]) -> Option<(u64, u32)> {
        let (number, bytes) = key.get(10..)?.split_first_chunk()?;
        Some((u64::from_be_bytes(*number), u32::from_be_bytes(bytes.try_into().ok()?)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0.into()
    }

    fn of(kind: u8, plugin: PluginId, rest: &[u8]) -> Key {
        Key([&[kind][..], &plugin.0.to_be_bytes(), rest].concat())
    }

    fn of_receipt(kind: u8, plugin: PluginId, rest: &[u8]) -> Key {
        Key([&[RECEIPT, kind][..], &plugin.0.to_be_bytes(), rest].concat())
    }

    fn receipts(kind: u8, plugin: PluginId) -> (Bytes, Bytes) {
        let end = Key::of_receipt(kind, PluginId(plugin.0 + 1), &[]);
        (Key::of_receipt(kind, plugin, &[]).into_bytes(), end.into_bytes())
    }

    fn range(kind: u8, plugin: PluginId) -> (Bytes, Bytes) {
        (Key::of(kind, plugin, &[]).into_bytes(), Key::of(kind, PluginId(plugin.0 + 1), &[]).into_bytes())
    }
}
