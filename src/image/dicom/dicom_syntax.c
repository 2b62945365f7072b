/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom_syntax.h"

#include <string.h>

static const DicomSyntax known[] = {
    {.uid = "1.2.840.10008.1.2",
     .name = "Implicit VR Little Endian",
     .is_read = true,
     .coding = DICOM_NATIVE,
     .implicit = true},
    {.uid = "1.2.840.10008.1.2.1", .name = "Explicit VR Little Endian", .is_read = true, .coding = DICOM_NATIVE},
    {.uid = "1.2.840.10008.1.2.1.98", .name = "Encapsulated Uncompressed"},
    {.uid = "1.2.840.10008.1.2.1.99",
     .name = "Deflated Explicit VR Little Endian",
     .is_read = true,
     .coding = DICOM_NATIVE,
     .deflated = true},
    {.uid = "1.2.840.10008.1.2.2", .name = "Explicit VR Big Endian"},
    {.uid = "1.2.840.10008.1.2.4.50", .name = "JPEG Baseline", .is_read = true, .coding = DICOM_JPEG},
    {.uid = "1.2.840.10008.1.2.4.51", .name = "JPEG Extended"},
    {.uid = "1.2.840.10008.1.2.4.57", .name = "JPEG Lossless"},
    {.uid = "1.2.840.10008.1.2.4.70", .name = "JPEG Lossless, first-order prediction"},
    {.uid = "1.2.840.10008.1.2.4.80", .name = "JPEG-LS Lossless", .is_read = true, .coding = DICOM_JPEG_LS},
    {.uid = "1.2.840.10008.1.2.4.81", .name = "JPEG-LS Near-Lossless", .is_read = true, .coding = DICOM_JPEG_LS},
    {.uid = "1.2.840.10008.1.2.4.90", .name = "JPEG 2000 Lossless", .is_read = true, .coding = DICOM_JPEG_2000},
    {.uid = "1.2.840.10008.1.2.4.91", .name = "JPEG 2000", .is_read = true, .coding = DICOM_JPEG_2000},
    {.uid = "1.2.840.10008.1.2.4.92", .name = "JPEG 2000 Part 2 Lossless"},
    {.uid = "1.2.840.10008.1.2.4.93", .name = "JPEG 2000 Part 2"},
    {.uid = "1.2.840.10008.1.2.4.94", .name = "JPIP Referenced"},
    {.uid = "1.2.840.10008.1.2.4.95", .name = "JPIP Referenced Deflate"},
    {.uid = "1.2.840.10008.1.2.4.100", .name = "MPEG2 Main Level"},
    {.uid = "1.2.840.10008.1.2.4.101", .name = "MPEG2 High Level"},
    {.uid = "1.2.840.10008.1.2.4.102", .name = "MPEG-4 AVC/H.264"},
    {.uid = "1.2.840.10008.1.2.4.110", .name = "JPEG XL Lossless"},
    {.uid = "1.2.840.10008.1.2.4.111", .name = "JPEG XL JPEG Recompression"},
    {.uid = "1.2.840.10008.1.2.4.112", .name = "JPEG XL"},
    {.uid = "1.2.840.10008.1.2.4.201", .name = "High-Throughput JPEG 2000 Lossless"},
    {.uid = "1.2.840.10008.1.2.4.202", .name = "High-Throughput JPEG 2000 RPCL Lossless"},
    {.uid = "1.2.840.10008.1.2.4.203", .name = "High-Throughput JPEG 2000"},
    {.uid = "1.2.840.10008.1.2.5", .name = "RLE Lossless", .is_read = true, .coding = DICOM_RLE},
};

DicomSyntax dicom_syntax(const char *uid) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(uid, known[i].uid) == 0)
            return known[i];
    return (DicomSyntax){.uid = uid, .name = "unknown here"};
}
