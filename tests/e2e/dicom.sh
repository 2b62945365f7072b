#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The recorded DICOM photographs: pixels as pydicom has them, and refusals.
. "$(dirname "$0")/lib.sh"

cases=tests/cases/dicom
dicom="$BUILD/accept/dicom"
if [ ! -x "$dicom" ]; then
    skip "the DICOM reader" "$dicom is not built: make accept"
    exit 0
fi

# within LEVELS A B: no byte differs by more; files of one size. cmp prints octal numbers.
within() {
    [ "$(stat -c %s "$2")" = "$(stat -c %s "$3")" ] || return 1
    cmp -l "$2" "$3" | awk -v most="$1" '
        function number(octal) { return substr(octal, length(octal)) + 8 * (int(octal / 10) % 10) + 64 * int(octal / 100) }
        { d = number($2) - number($3); if (d > most || d < -most) bad = 1 }
        END { exit bad }'
}
printf '\000\100\377' >"$TMP/a"
printf '\002\076\375' >"$TMP/b"
printf '\003\076\375' >"$TMP/c"
check "two levels of difference are within two" within 2 "$TMP/a" "$TMP/b"
if within 2 "$TMP/a" "$TMP/c"; then not_ok "three levels are not"; else ok "three levels are not"; fi

check "a native image is read" "$dicom" $cases/native_explicit.dcm "$TMP/native.rgb"
check "its pixels are the file's own" cmp $cases/native_explicit.rgb "$TMP/native.rgb"

# Decoders of JPEG may round differently: two levels. Where pydicom's was libjpeg-turbo, there is no difference at all.
check "a JPEG image is read" "$dicom" $cases/jpeg_ybr422.dcm "$TMP/jpeg.rgb"
check "its pixels are within two levels" within 2 $cases/jpeg_ybr422.rgb "$TMP/jpeg.rgb"

# Written by pydicom through other builds of the codecs, with the pixels that pydicom reads. Lossless ones are exact;
# the two lossy ones may round differently. Grey is inverted, segments and fragments are several.
for file in deflated_planar j2k_rct_jp2 j2k_ict_raw j2k_grey1_raw jls_rgb jls_rgb_near_planes jls_grey1 rle_rgb_fragments \
    rle_grey1; do
    case $file in *_ict_* | *_near_*) levels=2 ;; *) levels=0 ;; esac
    check "$file is read" "$dicom" $cases/$file.dcm "$TMP/$file.rgb"
    check "its pixels are within $levels levels" within $levels $cases/$file.rgb "$TMP/$file.rgb"
done

expect_exit 65 "$dicom" $cases/rle_unsupported.dcm "$TMP/none.rgb"
expect_output "rle_unsupported.dcm: damaged RLE: 0 segments for 3 components"
check "in one line" test "$(wc -l <"$TMP/output")" = 1
check "and without a file" test ! -e "$TMP/none.rgb"

head -c 200000 $cases/native_explicit.dcm >"$TMP/short.dcm"
expect_exit 65 "$dicom" "$TMP/short.dcm" "$TMP/none.rgb"
expect_output "short.dcm: damaged DICOM: cut short"
head -c 14000 $cases/jpeg_ybr422.dcm >"$TMP/short.dcm"
expect_exit 65 "$dicom" "$TMP/short.dcm" "$TMP/none.rgb"
expect_output "short.dcm: damaged DICOM: cut short"
expect_exit 65 "$dicom" tests/cases/preprocess_0.jpg "$TMP/none.rgb"
expect_output "not a DICOM file"
: >"$TMP/empty.dcm"
expect_exit 65 "$dicom" "$TMP/empty.dcm" "$TMP/none.rgb"
check "no refusal leaves a file" test ! -e "$TMP/none.rgb"
expect_exit 64 "$dicom" "$TMP/short.dcm"
