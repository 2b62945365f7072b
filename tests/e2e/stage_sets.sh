#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every public data set with a card in data/: a small tree in its layout is staged, and people, eyes, splits and labels
# of each record are those that its tables say, written out here by hand. FOVEA_PYTHON names a Python that has h5py.
. "$(dirname "$0")/lib.sh"

STAGE=$BUILD/stage
python=
for candidate in "${FOVEA_PYTHON-}" python3 /usr/bin/python3; do
    if [ "$candidate" ] && "$candidate" -c 'import h5py' 2>/dev/null; then
        python=$candidate
        break
    fi
done
cat >"$TMP/records.py" <<'PYTHON'
import glob, sys
import h5py

for path in sorted(glob.glob(sys.argv[1] + "/shards/*.h5")):
    with h5py.File(path, "r") as shard:
        for i in range(len(shard["source"])):
            texts = [shard[name][i].decode().replace(" ", "_") or "-" for name in ("source", "person", "eye", "split")]
            labels = [f"{name}={values[i]:g}" for name, values in shard["labels"].items() if values[i] == values[i]]
            print("\t".join(texts + [",".join(labels) or "-"]))
PYTHON
check "draws photographs" "$SYNTH" "$TMP/drawn" --people 8 --size 64 --seed 11
pool=("$TMP"/drawn/*/*.jpg)

# tree FILE...: the data set in $TMP/set, with a photograph of its own for each file
tree() {
    local file next=0
    rm -rf "$TMP/set" "$TMP/pack"
    for file; do
        mkdir -p "$(dirname "$TMP/set/$file")"
        cp "${pool[next++]}" "$TMP/set/$file"
    done
}
table() { mkdir -p "$(dirname "$TMP/set/$1")" && cat >"$TMP/set/$1"; } # FILE, its text is the input
# records NAME ARGUMENT...: stages the tree; the records, of path, person, eye, split and labels, are the input's lines
records() {
    local name=$1
    shift
    tr -s ' ' '\t' | LC_ALL=C sort >"$TMP/wanted"
    check "$name is staged" "$STAGE" folder "$TMP/set" --out "$TMP/pack" --size 16 "$@"
    if [ -z "$python" ]; then
        skip "$name: each record has what its table says" "no Python with h5py (tools/setup installs python3-h5py)"
    elif diff "$TMP/wanted" <("$python" "$TMP/records.py" "$TMP/pack" | LC_ALL=C sort) >"$TMP/diff"; then
        ok "$name: each record has what its table says"
    else
        not_ok "$name: each record has what its table says" "$(head -n 6 "$TMP/diff" | tr '\n\t' '| ')"
    fi
}

# opens TASK...: the tasks in configs/tasks that are about the tree's set open on its pack
opens() {
    local task
    for task; do
        check "the task $task opens on it" "$BUILD/tests/eval/test_task_configs" "$TMP/pack" "configs/tasks/$task.ini"
    done
}

# --- Grades of retinopathy ----------------------------------------------------------------------------------------------
tree train_images/0a1b.png train_images/0c2d.png test_images/0e3f.png
table train.csv <<<$'id_code,diagnosis\n0a1b,3\n0c2d,0'
table test.csv <<<$'id_code\n0e3f'
table sample_submission.csv <<<$'id_code,diagnosis\n0e3f,0'
records aptos --kind aptos <<'RECORDS'
train_images/0a1b.png 0a1b - train diagnosis=3
train_images/0c2d.png 0c2d - train diagnosis=0
test_images/0e3f.png 0e3f - test -
RECORDS
expect_output "| diagnosis   | 2     | 0   | 0    | 0        | 2   | 1       | 0: 1, 3: 1 |"
opens aptos2019

tree train/10_left.jpeg train/10_right.jpeg test/1_left.jpeg test/1_right.jpeg
table trainLabels.csv <<<$'image,level\n10_left,2\n10_right,4'
table retinopathy_solution.csv <<<$'image,level,Usage\n1_left,1,Private\n1_right,0,Public'
table sampleSubmission.csv <<<$'image,level\n1_left,4'
records eyepacs --kind eyepacs <<'RECORDS'
train/10_left.jpeg 10 L train level=2
train/10_right.jpeg 10 R train level=4
test/1_left.jpeg 1 L test level=1
test/1_right.jpeg 1 R test level=0
RECORDS
expect_output "| Usage    | retinopathy_solution.csv | 2 cells are no number, such as \"Private\" (line 2) |"
opens eyepacs

tree "1. Original Images/a. Training Set/IDRiD_001.jpg" "1. Original Images/a. Training Set/IDRiD_002.jpg" \
    "1. Original Images/b. Testing Set/IDRiD_001.jpg"
table "2. Groundtruths/a. IDRiD_Disease Grading_Training Labels.csv" \
    <<<$'Image name,Retinopathy grade,Risk of macular edema ,,\nIDRiD_001,3,2,,\nIDRiD_002,0,0,,'
table "2. Groundtruths/b. IDRiD_Disease Grading_Testing Labels.csv" <<<$'Image name,Retinopathy grade,Risk of macular edema \nIDRiD_001,4,1'
check "idrid is staged" "$STAGE" folder "$TMP/set" --out "$TMP/pack" --size 16 --kind idrid
expect_output "| Retinopathy grade     | 2     | 0   | 1    | 0        | 3   | 0       | 0: 1, 3: 1, 4: 1 |"
expect_output "| Risk of macular edema | 2     | 0   | 1    | 0        | 3   | 0       | 0: 1, 1: 1, 2: 1 |"
opens idrid idrid_edema

tree IMAGES/x1.JPG IMAGES/IM0002.JPG
table messidor_data.csv <<<$'image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable\nx1.jpg,2,1,1\nIM0002.jpg,,,0'
records messidor2 --kind messidor2 <<'RECORDS'
IMAGES/x1.JPG x1 - - adjudicated_dme=1,adjudicated_dr_grade=2,adjudicated_gradable=1
IMAGES/IM0002.JPG IM0002 - - adjudicated_gradable=0
RECORDS

tree Base11/a_PP.tif Base11/b_PP.tif Base34/c_PP.tif
table Base11/Annotation_Base11.csv \
    <<<$'Image name;Ophthalmologic department;Retinopathy grade;Risk of macular edema \na_PP.tif;Brest;0;0\nb_PP.tif;Brest;3;2'
table Base34/Annotation_Base34.csv <<<$'Image name;Ophthalmologic department;Retinopathy grade;Risk of macular edema\nc_PP.tif;Brest;1;0'
check "messidor is staged" "$STAGE" folder "$TMP/set" --out "$TMP/pack" --size 16 --kind messidor
expect_output "| Retinopathy grade     | 0     | 0   | 0    | 3        | 3   | 0       | 0: 1, 1: 1, 3: 1 |"
expect_output "| Risk of macular edema | 0     | 0   | 0    | 3        | 3   | 0       | 0: 2, 2: 1 |"
opens messidor

# --- Other diseases -----------------------------------------------------------------------------------------------------
tree preprocessed_images/7_left.jpg preprocessed_images/7_right.jpg preprocessed_images/8_left.jpg
table full_df.csv <<'TABLE'
ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,N,D,labels,filename
7,60,Male,7_left.jpg,7_right.jpg,cataract,normal fundus,0,1,['D'],7_left.jpg
7,60,Male,7_left.jpg,7_right.jpg,cataract,normal fundus,0,1,['N'],7_right.jpg
8,47,Female,8_left.jpg,8_right.jpg,"a，b",normal fundus,1,0,['N'],8_left.jpg
TABLE
check "odir, the copy with a row for each eye, is staged" "$STAGE" folder "$TMP/set" --out "$TMP/pack" --size 16 --kind odir
expect_output "| D           | 0     | 0   | 0    | 3        | 3   | 0       | 0: 1, 1: 2 |"
tree "Training Images/0_left.jpg" "Training Images/0_right.jpg" "Training Images/1_left.jpg" "Training Images/1_right.jpg"
table people.csv <<'TABLE'
ID,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,N,D
0,Female,0_left.jpg,0_right.jpg,cataract,normal fundus,0,1
1,Male,1_left.jpg,1_right.jpg,normal fundus,normal fundus,1,0
TABLE
records "odir, the challenge's table," --kind odir --labels people.csv <<'RECORDS'
Training_Images/0_left.jpg 0 L train D=1,N=0
Training_Images/0_right.jpg 0 R train D=1,N=0
Training_Images/1_left.jpg 1 L train D=0,N=1
Training_Images/1_right.jpg 1 R train D=0,N=1
RECORDS

tree FundusImages/RET002OD.jpg FundusImages/RET002OS.jpg FundusImages/RET010OD.jpg
table ClinicalData/patient_data_od.csv <<<$'ID;Age;Diagnosis\n#002;47;0\n#010;60;1'
table ClinicalData/patient_data_os.csv <<<$'ID;Age;Diagnosis\n#002;47;2\n#010;60;1'
records papila --kind papila <<'RECORDS'
FundusImages/RET002OD.jpg 002 R - Age=47,Diagnosis=0
FundusImages/RET002OS.jpg 002 L - Age=47,Diagnosis=2
FundusImages/RET010OD.jpg 010 R - Age=60,Diagnosis=1
RECORDS
expect_output "patient_data_os.csv: 1 row is of people without an image"
opens papila

tree Training_Set/Training_Set/Training/1.png Training_Set/Training_Set/Training/2.png \
    Evaluation_Set/Evaluation_Set/Validation/1.png Test_Set/Test_Set/Test/1.png
table Training_Set/Training_Set/RFMiD_Training_Labels.csv <<<$'ID,Disease_Risk,DR,ARMD\n1,1,1,0\n2,0,0,0'
table Evaluation_Set/Evaluation_Set/RFMiD_Validation_Labels.csv <<<$'ID,Disease_Risk,DR,ARMD\n1,1,0,1'
table Test_Set/Test_Set/RFMiD_Testing_Labels.csv <<<$'ID,Disease_Risk,DR,ARMD\n1,0,0,0'
records rfmid --kind rfmid <<'RECORDS'
Training_Set/Training_Set/Training/1.png Training_Set/Training_Set/Training/1 - train ARMD=0,DR=1,Disease_Risk=1
Training_Set/Training_Set/Training/2.png Training_Set/Training_Set/Training/2 - train ARMD=0,DR=0,Disease_Risk=0
Evaluation_Set/Evaluation_Set/Validation/1.png Evaluation_Set/Evaluation_Set/Validation/1 - val ARMD=1,DR=0,Disease_Risk=1
Test_Set/Test_Set/Test/1.png Test_Set/Test_Set/Test/1 - test ARMD=0,DR=0,Disease_Risk=0
RECORDS
opens rfmid

tree REFUGE-Training400/Training400/Glaucoma/g0001.jpg REFUGE-Training400/Training400/Non-Glaucoma/n0001.jpg \
    REFUGE-Training400/Training400/Non-Glaucoma/n0002.jpg REFUGE-Validation400/V0001.jpg REFUGE-Validation400/V0002.jpg \
    Test400/T0001.jpg
table REFUGE-Validation400-GT/Fovea_locations.csv <<<$'ID,ImgName,Fovea_X,Fovea_Y,Glaucoma Label\n1,V0001.jpg,800.5,802,1\n2,V0002.jpg,810,790,0'
table REFUGE-Test-GT/Glaucoma_label_and_Fovea_location.csv <<<$'ID,ImgName,Label(Glaucoma=1),Fovea_X,Fovea_Y\n1,T0001.jpg,1,805,801'
records refuge --kind refuge <<'RECORDS'
REFUGE-Training400/Training400/Glaucoma/g0001.jpg g0001 - train glaucoma=1
REFUGE-Training400/Training400/Non-Glaucoma/n0001.jpg n0001 - train glaucoma=0
REFUGE-Training400/Training400/Non-Glaucoma/n0002.jpg n0002 - train glaucoma=0
REFUGE-Validation400/V0001.jpg V0001 - val Fovea_X=800.5,Fovea_Y=802,glaucoma=1
REFUGE-Validation400/V0002.jpg V0002 - val Fovea_X=810,Fovea_Y=790,glaucoma=0
Test400/T0001.jpg T0001 - test Fovea_X=805,Fovea_Y=801,glaucoma=1
RECORDS
opens refuge

tree fundus_photos/img00001.jpg fundus_photos/img00002.jpg fundus_photos/img00003.jpg
table labels_brset.csv <<'TABLE'
image_id,patient_id,camera,patient_age,diabetes_time_y,insuline,patient_sex,exam_eye,diabetes,optic_disc,DR_ICDR,quality
img00001,1,Canon CR,48,12,yes,1,1,yes,1,2,Adequate
img00002,1,Canon CR,48,12,yes,1,2,yes,1,0,Adequate
img00003,2,NIKON NF5050,"60,5",Não,no,2,1,no,2,0,Inadequate
TABLE
records brset --kind brset <<'RECORDS'
fundus_photos/img00001.jpg 1 R - DR_ICDR=2,diabetes=1,diabetes_time_y=12,insuline=1,optic_disc=1,patient_age=48,patient_sex=1
fundus_photos/img00002.jpg 1 L - DR_ICDR=0,diabetes=1,diabetes_time_y=12,insuline=1,optic_disc=1,patient_age=48,patient_sex=1
fundus_photos/img00003.jpg 2 R - DR_ICDR=0,diabetes=0,insuline=0,optic_disc=2,patient_age=60.5,patient_sex=2
RECORDS
expect_output "column diabetes_time_y: 1 cell is no number, such as \"Não\" (line 4): the label is unknown there"
expect_output "| Canon CR     |"
opens brset

tree training/images/21_training.tif training/images/22_training.tif test/images/01_test.tif
records drive --kind drive <<'RECORDS'
training/images/21_training.tif 21 - train -
training/images/22_training.tif 22 - train -
test/images/01_test.tif 01 - test -
RECORDS

# --- AI-READI -----------------------------------------------------------------------------------------------------------
check "draws a download of AI-READI" "$SYNTH" "$TMP/air" --layout aireadi --people 4 --size 96 --seed 2
check "aireadi is staged" "$STAGE" aireadi "$TMP/air" --out "$TMP/air.pack" --size 16 --modality cfp,ir,faf
# Lines of person and label, of people by their rows, and of readings as averages without the codes for no reading.
person_labels() {
    awk -F'\t' 'NR > 1 {
        print $1, "age=" $4
        print $1, "site=" ($2 == "UW" ? 0 : $2 == "UCSD" ? 1 : 2)
        print $1, "study_group=" ($3 == "healthy" ? 0 : $3 ~ /^pre/ ? 1 : $3 ~ /^oral/ ? 2 : 3)
    }' "$1/participants.tsv"
    awk -F, 'BEGIN { name[3004410] = "hba1c"; name[4245997] = "bmi"; name[3004249] = "systolic"; name[4239408] = "heart_rate" }
        FNR > 1 && $3 in name && $5 !~ /^(555|777|888|999)$/ { sum[$2 " " name[$3]] += $5; count[$2 " " name[$3]]++ }
        END { for (key in sum) printf "%s=%g\n", key, sum[key] / count[key] }' "$1/clinical_data/measurement.csv"
    awk -F, 'BEGIN { split("retinopathy 4174977 glaucoma 437541 amd 374028 cataract 4317977 rvo 440392 hypertension 316866", part, " ") }
        NR == FNR { if (FNR > 1) has[$2, $3]; next }
        FNR > 1 { split($0, person, "\t"); for (i = 1; i < 12; i += 2) print person[1], part[i] "=" ((person[1], part[i + 1]) in has) }' \
        "$1/clinical_data/condition_occurrence.csv" "$1/participants.tsv"
}
if [ -z "$python" ]; then
    skip "aireadi: each person has the labels of the tables" "no Python with h5py (tools/setup installs python3-h5py)"
elif diff <(person_labels "$TMP/air" | LC_ALL=C sort) \
    <("$python" "$TMP/records.py" "$TMP/air.pack" | awk -F'\t' '{ n = split($5, label, ","); for (i = 1; i <= n; i++) print $2, label[i] }' |
        LC_ALL=C sort -u) >"$TMP/diff"; then
    ok "aireadi: each person has the labels of the tables"
else
    not_ok "aireadi: each person has the labels of the tables" "$(head -n 6 "$TMP/diff" | tr '\n\t' '| ')"
fi

# --- A table that is missing --------------------------------------------------------------------------------------------
tree train/10_left.jpeg train/10_right.jpeg test/1_left.jpeg test/1_right.jpeg
table trainLabels.csv <<<$'image,level\n10_left,2\n10_right,4'
expect_named 65 "a table that is missing ends the call" "$STAGE" folder "$TMP/set" --out "$TMP/pack" --size 16 --kind eyepacs
expect_output "retinopathy_solution.csv or testLabels.csv is not there"
expect_output "2 of 4 images are in no row of the tables, such as test/1_left.jpeg, more than --max-unlabelled allows (5 %)"
if [ -e "$TMP/pack/pack.json" ]; then not_ok "publishes nothing"; else ok "publishes nothing"; fi
expect_exit 65 "$STAGE" folder "$TMP/set" --out "$TMP/pack" --size 16 --kind eyepacs --max-unlabelled 49%
check "unless it is allowed" "$STAGE" folder "$TMP/set" --out "$TMP/pack" --size 16 --kind eyepacs --max-unlabelled 0.5
expect_output "4 files: 2 packed, 0 quarantined, 2 excluded"
expect_output "| unlisted | excluded | 2     | test/1_left.jpeg |"
