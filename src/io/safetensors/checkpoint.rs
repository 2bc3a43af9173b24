//! [`Checkpoint`]: the weights of one or several files.

use super::config::QuantConfig;
use super::header::TensorEntry;
use super::recognize::{Carried, Described, recognize};
use super::shard::Shard;
use super::stored::StoredTensor;
use super::weight::{Loaded, Weight};
use crate::io::bytes::ShardBytes;
use crate::io::error::{Problem, ReadError};
use core::sync::atomic::{AtomicU64, Ordering};
use std::borrow::{Cow, ToOwned};
use std::collections::{BTreeMap, HashMap};
use std::format;
use std::io::{Read, Seek};
use std::string::String;
use std::vec::Vec;

/// Checkpoints opened so far.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The weights of one or several files, and what else is in them. Headers were read and checked;
/// bytes of weights come when asked for.
///
/// ```
/// use subhalf::io::{Checkpoint, Loaded};
/// // A 2×2 matrix in FP8 with one scale, as ComfyUI has it.
/// let header = r#"{"l.weight":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]},
///     "l.scale_weight":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}"#;
/// let mut file = (header.len() as u64).to_le_bytes().to_vec();
/// file.extend(header.as_bytes());
/// file.extend([0x38, 0x40, 0xB8, 0x00]);                                   // 1, 2, −1, 0
/// file.extend(0.5f32.to_le_bytes());
///
/// let checkpoint = Checkpoint::from_bytes(&file)?;
/// let weight = checkpoint.weight("l.weight")?;
/// assert_eq!(weight.scheme().map(|scheme| scheme.convention.name()), Some("ComfyUI"));
/// let Loaded::Quantized(loaded) = checkpoint.load(weight)? else { panic!("FP8") };
/// assert_eq!(loaded.view()?.dequantize(), [0.5, 1.0, -0.5, 0.0]);
/// # Ok::<(), subhalf::io::ReadError>(())
/// ```
pub struct Checkpoint<'a> {
    shards: Vec<Shard<'a>>,
    entries: Vec<TensorEntry>,
    /// The number of the checkpoint, counted through the program's run.
    id: u64,
    weights: Vec<Weight>,
    carried: Vec<Carried>,
    metadata: BTreeMap<String, String>,
    /// The numbers of the weights in the order of their names.
    by_name: Vec<usize>,
}

/// The files that a [`Checkpoint`] is made of: added one after the other, then read.
///
/// ```
/// use std::io::Cursor;
/// use subhalf::io::CheckpointFiles;
/// let empty = b"\x02\0\0\0\0\0\0\0{}";
/// let checkpoint = CheckpointFiles::new()
///     .config("config.json", r#"{"quantization_config": {"quant_method": "fp8"}}"#)?
///     .bytes("model-00001-of-00002.safetensors", empty)
///     .reader("model-00002-of-00002.safetensors", Cursor::new(empty))
///     .read()?;
/// assert!(checkpoint.weights().is_empty());
/// # Ok::<(), subhalf::io::ReadError>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct CheckpointFiles<'a> {
    config: QuantConfig,
    files: Vec<(String, ShardBytes<'a>)>,
}

impl<'a> CheckpointFiles<'a> {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the text of a `config.json`, or of Model Optimizer's `hf_quant_config.json` or
    /// `AutoGPTQ`'s `quantize_config.json`, says about quantization; `name` is for errors.
    ///
    /// # Errors
    /// [`ReadError`] for text that is not JSON.
    pub fn config(mut self, name: &str, text: &str) -> Result<Self, ReadError> {
        self.config = QuantConfig::parse(name, text)?;
        Ok(self)
    }

    /// Adds a file that is in memory, mapped for example; `name` is for errors.
    pub fn bytes(mut self, name: &str, bytes: &'a [u8]) -> Self {
        self.files.push((name.to_owned(), ShardBytes::Memory(bytes)));
        self
    }

    /// Adds a file that is read when its weights are asked for; `name` is for errors.
    pub fn reader(mut self, name: &str, reader: impl Read + Seek + Send + 'a) -> Self {
        self.files.push((name.to_owned(), ShardBytes::stream(reader)));
        self
    }

    /// Whether a config says anything about quantization.
    pub(super) fn is_configured(&self) -> bool {
        self.config.is_present()
    }

    /// Reads the headers, and finds the weights.
    ///
    /// # Errors
    /// [`ReadError`] for a file that is not in the format, is cut, or has tensors that overlap or
    /// leave gaps, and for a tensor that two files have. A tensor that is merely strange is no
    /// error: it is among those [`carried`](Checkpoint::carried) along.
    pub fn read(self) -> Result<Checkpoint<'a>, ReadError> {
        let (mut shards, mut entries) = (Vec::new(), Vec::new());
        let mut metadata = BTreeMap::new();
        for (number, (name, bytes)) in self.files.into_iter().enumerate() {
            let (shard, header) = Shard::open(&name, bytes, number)?;
            shards.push(shard);
            entries.extend(header.entries);
            metadata.extend(header.metadata);
        }
        Checkpoint::of(shards, entries, metadata, &self.config)
    }
}

impl core::fmt::Debug for CheckpointFiles<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = self.files.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

impl<'a> Checkpoint<'a> {
    /// Reads the header of one file that is in memory, and finds its weights. Without a
    /// `config.json` some are ambiguous: [`CheckpointFiles`] takes one.
    ///
    /// # Errors
    /// Those of [`CheckpointFiles::read`].
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ReadError> {
        CheckpointFiles::new().bytes("", bytes).read()
    }

    /// Reads the header of one file, and finds its weights; their bytes are read when asked for.
    ///
    /// # Errors
    /// Those of [`CheckpointFiles::read`].
    pub fn from_reader(reader: impl Read + Seek + Send + 'a) -> Result<Self, ReadError> {
        CheckpointFiles::new().reader("", reader).read()
    }

    fn of(
        shards: Vec<Shard<'a>>,
        entries: Vec<TensorEntry>,
        metadata: BTreeMap<String, String>,
        config: &QuantConfig,
    ) -> Result<Self, ReadError> {
        let mut places = HashMap::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            if let Some(before) = places.insert(&*entry.name, place) {
                let what = format!("tensor '{}'", entry.name);
                let other = &shards[entries[before].shard].file;
                let found = format!("another in {other}");
                let problem = Problem::mismatch(what, "one file with it", found);
                return Err(ReadError::new(&shards[entry.shard].file, problem));
            }
        }
        let small = |entry: &TensorEntry| match shards[entry.shard].read(entry) {
            Ok(bytes) => Ok(bytes.into_owned()),
            Err(error) => Err(Cow::Owned(format!("{error}"))),
        };
        let described = Described { entries: &entries, places, metadata: &metadata, config };
        let recognized = recognize(&described, &small);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut weights = recognized.weights;
        weights.iter_mut().for_each(|weight| weight.checkpoint = id);
        let mut by_name: Vec<usize> = (0..weights.len()).collect();
        by_name.sort_by(|&a, &b| weights[a].name.cmp(&weights[b].name));
        // Two groups of tensors may give weights of one name: which is meant is not for us to say.
        let twice = by_name.windows(2).find(|pair| weights[pair[0]].name == weights[pair[1]].name);
        if let Some(pair) = twice {
            let tensor = |weight: usize| &entries[weights[weight].tensors[0].1];
            let (first, second) = (tensor(pair[0]), tensor(pair[1]));
            let what = format!("weight '{}'", weights[pair[0]].name);
            let found = format!("'{}' and '{}'", first.name, second.name);
            let problem = Problem::mismatch(what, "one tensor of codes or numbers", found);
            return Err(ReadError::new(&shards[second.shard].file, problem));
        }
        Ok(Self { id, shards, entries, weights, carried: recognized.carried, metadata, by_name })
    }

    /// The weights, in the order of the files and of the data in them.
    #[must_use]
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// The tensors that are no weights and belong to none, in the same order.
    #[must_use]
    pub fn carried(&self) -> &[Carried] {
        &self.carried
    }

    /// The texts that programs left in the files' headers (`__metadata__`); those of later files
    /// replace those of earlier ones.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The weight of a name.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such weight; if there is a tensor of the name, or one of codes
    /// that begins so, with the reason why it is none.
    pub fn weight(&self, name: &str) -> Result<&Weight, ReadError> {
        let found = self.by_name.binary_search_by(|&weight| (*self.weights[weight].name).cmp(name));
        if let Ok(place) = found {
            return Ok(&self.weights[self.by_name[place]]);
        }
        let carried = self
            .carried
            .iter()
            .find(|carried| *carried.name == *name)
            .or_else(|| self.carried.iter().find(|carried| carried.name.starts_with(name)));
        Err(match carried {
            Some(carried) => {
                let (tensor, reason) = (carried.name.clone().into(), carried.reason().to_owned());
                let file = &self.shards[self.entries[carried.tensor].shard].file;
                ReadError::new(file, Problem::Carried { tensor, reason })
            }
            None => {
                let what = format!("weight '{name}'");
                ReadError::new("", Problem::mismatch(what, "a weight of this name", "none"))
            }
        })
    }

    /// The names of the tensors that a weight of this checkpoint was grouped from, that of its
    /// codes first.
    pub fn tensors<'c>(
        &'c self,
        weight: &'c Weight,
    ) -> impl Iterator<Item = &'c str> + use<'c, 'a> {
        weight.tensors.iter().filter_map(|&(_, tensor)| Some(&*self.entries.get(tensor)?.name))
    }

    /// The bytes that a weight of this checkpoint takes in its files: of codes, scales and all else
    /// that belongs to it.
    #[must_use]
    pub fn stored_bytes(&self, weight: &Weight) -> u64 {
        let bytes = |tensor: usize| {
            self.entries.get(tensor).map_or(0, |entry| entry.bytes.end - entry.bytes.start)
        };
        weight.tensors.iter().map(|&(_, tensor)| bytes(tensor)).sum()
    }

    /// A weight of this checkpoint with its bytes: those of a file in memory where it lies, of
    /// others read into memory of their own. Where the program's order of codes or scales is
    /// another, they are put in order.
    ///
    /// # Errors
    /// [`ReadError`] that names tensor or weight, if reading fails, and for bytes that are no
    /// tensor of the scheme; NaN and infinite scales are refused by
    /// [`QuantWeight::view`](super::QuantWeight::view) only.
    pub fn load(&self, weight: &Weight) -> Result<Loaded<'a>, ReadError> {
        if weight.checkpoint != self.id {
            return Err(Self::another());
        }
        weight.load(&self.entries, |tensor| self.read(tensor))
    }

    /// All tensors as the files have them, in their order.
    #[must_use]
    pub fn stored<'c>(
        &'c self,
    ) -> impl ExactSizeIterator<Item = StoredTensor<'c, 'a>> + use<'c, 'a> {
        self.entries.iter().map(|entry| StoredTensor { entry, shard: &self.shards[entry.shard] })
    }

    /// The tensors that a weight of this checkpoint was grouped from as the files have them, that
    /// of its codes or numbers first.
    pub fn stored_of<'c>(
        &'c self,
        weight: &'c Weight,
    ) -> impl Iterator<Item = StoredTensor<'c, 'a>> + use<'c, 'a> {
        weight.tensors.iter().filter_map(|&(_, tensor)| {
            let entry = self.entries.get(tensor)?;
            Some(StoredTensor { entry, shard: &self.shards[entry.shard] })
        })
    }

    /// A tensor that is carried along, as its file has it; `None` of another checkpoint's that has
    /// more tensors.
    #[must_use]
    pub fn stored_carried<'c>(&'c self, carried: &Carried) -> Option<StoredTensor<'c, 'a>> {
        let entry = self.entries.get(carried.tensor)?;
        Some(StoredTensor { entry, shard: &self.shards[entry.shard] })
    }

    /// The bytes of a tensor that is carried along.
    ///
    /// # Errors
    /// [`ReadError`] if reading fails.
    pub fn load_carried(&self, carried: &Carried) -> Result<Cow<'a, [u8]>, ReadError> {
        self.read(carried.tensor)
    }

    /// The name of each tensor and of its file.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (&*entry.name, &*self.shards[entry.shard].file))
    }

    fn another() -> ReadError {
        let found = Problem::mismatch("weight", "one of this checkpoint", "another's");
        ReadError::new("", found)
    }

    fn read(&self, tensor: usize) -> Result<Cow<'a, [u8]>, ReadError> {
        // A tensor that another checkpoint carries along may be beyond the last of this one.
        let entry = self.entries.get(tensor).ok_or_else(Self::another)?;
        self.shards[entry.shard].read(entry)
    }
}

impl core::fmt::Debug for Checkpoint<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Checkpoint")
            .field("files", &self.shards.len())
            .field("weights", &self.weights.len())
            .field("carried", &self.carried.len())
            .finish()
    }
}
